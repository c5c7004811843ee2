-- Claim an artifact and begin a run that computes it, or wait: for the worker that computes it, or for a pause to end.
-- KEYS: slotline:hand:<artifact> (the tag of the message that computes it), slotline:followers:<artifact> (the messages
--       that wait for it), slotline:leases, slotline:job:<id>:attempts, slotline:job:<id>:sent, slotline:paused;
--       also slotline:delayed, slotline:job:<id>, slotline:ring:<list> (_ring.lua): what waits leaves its room to others
-- ARGV: delivery tag, the queue's list, a copy of the message (sent again when the wait is over; both '': to be asked
--       for, if this has to wait), part (0: a task that is part of no job), attempts allowed, ms of the first pause, ms that a copy waits at most, ms to keep this,
--       a token of this call: the same call, sent again because its answer was lost, begins no second run; the model
-- Returns the number of this attempt, from 1; 0 when the copy waits for another worker, -1 when the attempts are used
-- up, -2 when the copy waits because the last run began too short a time ago, -3 when the model is paused, and -5
-- when it has to wait and the copy is not given: then nothing was changed.
-- Guarantee: one worker computes an artifact at a time, as long as its message is leased; when the lease has ended
-- the next claim gets it. An attempt is counted before the work begins, so the count survives the worker. A copy that
-- waits is sent again after a while, even if the artifact is never released.
local tag, list, message, part = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local now = now_ms()

local function wait(due)
  send_later(list, message, due)
  if part == 0 then return end
  redis.call('HSET', KEYS[5], part, message)
  local job = string.match(KEYS[5], '^slotline:job:(.*):sent$')
  local record = fields(job, COUNTERS)
  if record.state ~= 'open' then return end
  leave_room(job, record, part)
  refill(job, record)
end

local run = tag .. '\n' .. ARGV[9]
if redis.call('HGET', KEYS[4], part .. '!') == run then return tonumber(redis.call('HGET', KEYS[4], part)) end
if redis.call('HEXISTS', KEYS[6], ARGV[10]) == 1 then return -3 end
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= tag then
  local lease = redis.call('ZSCORE', KEYS[3], owner)
  if lease and tonumber(lease) > now then
    if message == '' then return -5 end
    wait(now + ARGV[7])
    redis.call('RPUSH', KEYS[2], list .. '\n' .. message)
    redis.call('PEXPIRE', KEYS[2], ARGV[8])
    return 0
  end
end
local runs = tonumber(redis.call('HGET', KEYS[4], part) or 0)
if runs >= tonumber(ARGV[5]) then return -1 end
-- A child may have died by another part's fault, so the second run may follow at once. Later ones wait for their pause.
local begun = redis.call('HGET', KEYS[4], part .. '@') -- not there after a run that was taken back (uncount.lua)
if runs > 1 and begun then
  local due = tonumber(begun) + pause_ms(ARGV[6], runs - 1)
  if due > now then
    if message == '' then return -5 end
    wait(due)
    return -2
  end
end
redis.call('HDEL', KEYS[4], part .. '~', part .. '^', part .. '^!') -- its message has arrived, and did not kill before this
redis.call('HSET', KEYS[4], part, runs + 1, part .. '@', now, part .. '!', run)
if part == 0 then redis.call('PEXPIRE', KEYS[4], ARGV[8]) end
redis.call('SET', KEYS[1], tag, 'PX', ARGV[8])
return runs + 1
