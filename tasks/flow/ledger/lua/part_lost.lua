-- Note how a run of a part, or of a task without a job, was lost in a slot: its child died.
-- KEYS: slotline:job:<id>, and its :attempts
-- ARGV: part (0: a task that is part of no job), delivery tag of its message, what ended it, 1 to count a run that was
--       lost before it was claimed, ms to keep the count of a task without a job, a token of this call: the same call,
--       sent again because its answer was lost, counts no second run
-- Returns 1 if the run was counted before it began (claim.lua), else 0. Guarantee: a run that kills its child before the
-- claim (when it is read, or its artifact is looked for) is counted as well, in its own field.
local part = ARGV[1]
if part ~= '0' and redis.call('HGET', KEYS[1], 'state') ~= 'open' then return 0 end
local mark = 'lost:' .. ARGV[6]
if is_this_run(KEYS[2], part, ARGV[2], mark) then
  redis.call('HSET', KEYS[2], part .. '!', ARGV[2] .. '\n' .. mark, part .. '?', ARGV[3])
  return 1
end
if ARGV[4] == '1' and redis.call('HGET', KEYS[2], part .. '^!') ~= mark then
  redis.call('HINCRBY', KEYS[2], part .. '^', 1)
  redis.call('HSET', KEYS[2], part .. '^!', mark, part .. '?', ARGV[3])
  if part == '0' then redis.call('PEXPIRE', KEYS[2], ARGV[5]) end
end
return 0
