-- Note how a run of a task in a flow worker was lost: its process died, or was ended with it.
-- KEYS: slotline:job:<id>, and its :attempts
-- ARGV: delivery tag of its message, what ended it ('': it is not at fault, and its count is taken back), ms to keep the
--       count of a task without a record, 1 for a job's own task | 0 for a task without a job, a token of this call: the
--       same call, sent again because its answer was lost, counts no second run
-- Returns how many runs were begun by now. A run that was lost before it was counted is counted here; else it could be
-- repeated for ever. For a run that has ended only. Nothing changes when a later run has begun.
local state = redis.call('HGET', KEYS[1], 'state')
local step = ARGV[4] == '1' and step_of(state) or '0'
local mark = 'lost:' .. ARGV[5]
local is_counted = is_this_run(KEYS[2], step, ARGV[1], mark)
local runs = tonumber(redis.call('HGET', KEYS[2], step) or 0)
if ARGV[2] == '' then
  if is_counted then
    redis.call('HDEL', KEYS[2], step .. '!', step .. '@')
    runs = redis.call('HINCRBY', KEYS[2], step, -1)
  end
  return runs
end
if state == 'open' then return 0 end
if not is_counted then
  runs = redis.call('HINCRBY', KEYS[2], step, 1)
  redis.call('HSET', KEYS[2], step .. '@', now_ms())
end
redis.call('HSET', KEYS[2], step .. '!', ARGV[1] .. '\n' .. mark, step .. '?', ARGV[2])
if not state or state == 'ended' then redis.call('PEXPIRE', KEYS[2], ARGV[3]) end
return runs
