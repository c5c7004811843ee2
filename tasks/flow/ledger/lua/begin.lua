-- Begin a run of a job's own task, which opens or finishes the job: count it, or let its message wait.
-- KEYS: slotline:job:<id>, and its :attempts; also its :sent, slotline:delayed, and :sent and :attempts of its parent
-- ARGV: id, delivery tag of the message, a token of this call (the same call, sent again because its answer was lost,
--       begins no second run), runs allowed, ms of the first pause, ms to keep the count of a job without a record,
--       head and tail of the message, the queue's list, a delivery tag for its copy, parent's id or '', part of the parent
-- Returns the number of this run, from 1; 0 when there is nothing to count, because the job is open or has ended; -1 when
-- its runs are used up, -2 when a copy of the message waits because the last run began too short a time ago.
-- Guarantee: a run is counted before it begins, so the count survives the worker. Which runs share one count: those that
-- found the job in the same state.
local job = ARGV[1]
local state = redis.call('HGET', KEYS[1], 'state')
if state == 'open' or state == 'ended' then return 0 end
local step, now, run = step_of(state), now_ms(), ARGV[2] .. '\n' .. ARGV[3]
local runs = tonumber(redis.call('HGET', KEYS[2], step) or 0)
if redis.call('HGET', KEYS[2], step .. '!') == run then return runs end
if runs >= tonumber(ARGV[4]) then return -1 end
-- As for parts: the second run may follow at once, later ones wait for their pause, and others run in this time.
local begun = redis.call('HGET', KEYS[2], step .. '@')
if runs > 1 and begun then
  local due = tonumber(begun) + pause_ms(ARGV[5], runs - 1)
  if due > now then
    send_own_later(job, state, {head = ARGV[7], tail = ARGV[8], list = ARGV[9], tag = ARGV[10]}, ARGV[11], ARGV[12], due)
    return -2
  end
end
redis.call('HDEL', KEYS[2], 'start~', 'end~') -- its message has arrived
if ARGV[11] ~= '' then redis.call('HDEL', key_of(ARGV[11], 'attempts'), ARGV[12] .. '~') end
redis.call('HSET', KEYS[2], step, runs + 1, step .. '@', now, step .. '!', run)
if not state then redis.call('PEXPIRE', KEYS[2], ARGV[6]) end
return runs + 1
