-- Take an artifact in hand and begin a run of it, or queue up behind the worker that has it in hand.
-- KEYS: slotline:hand:<artifact>, slotline:followers:<artifact>, slotline:leases, slotline:job:<id>:attempts
-- ARGV: delivery tag, the follower's entry (queue list \n message), ms after which all this is forgotten,
--       part, attempts allowed, 1 when the attempts' hash is to expire with it (a task that is part of no job)
-- Returns the number of this attempt, from 1; 0 when the entry now waits behind another; -1 when the attempts are used up.
-- Guarantee: while the message of whoever computes is leased, nobody else computes; when its lease ends, the next to
-- ask does. An attempt is counted before the work begins, so it survives the worker.
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then
  local lease = redis.call('ZSCORE', KEYS[3], owner)
  if lease and tonumber(lease) > now_ms() then
    redis.call('RPUSH', KEYS[2], ARGV[2])
    redis.call('PEXPIRE', KEYS[2], ARGV[3])
    return 0
  end
end
if tonumber(redis.call('HGET', KEYS[4], ARGV[4]) or 0) >= tonumber(ARGV[5]) then return -1 end
local attempt = redis.call('HINCRBY', KEYS[4], ARGV[4], 1)
if ARGV[6] == '1' then redis.call('PEXPIRE', KEYS[4], ARGV[3]) end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
return attempt
