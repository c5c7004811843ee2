-- Note how a run of a part, or of a task without a job, was lost in a slot: its child died.
-- KEYS: slotline:job:<id>, and its :attempts
-- ARGV: part (0: a task that is part of no job), delivery tag of its message, what ended it, 1 to count a run that was
--       lost before it was claimed, ms to keep the count of a task without a job
-- Returns 1 if the run was counted before it began (claim.lua), else 0. Guarantee: a run that kills its child before the
-- claim (when it is read, or its artifact is looked for) is counted as well, in its own field.
local part = ARGV[1]
if part ~= '0' and redis.call('HGET', KEYS[1], 'state') ~= 'open' then return 0 end
local run = redis.call('HGET', KEYS[2], part .. '!')
local is_counted = run and string.match(run, '^(.*)\n[^\n]*$') == ARGV[2]
if is_counted or ARGV[4] == '1' then redis.call('HSET', KEYS[2], part .. '?', ARGV[3]) end
if is_counted then return 1 end
if ARGV[4] == '1' then
  redis.call('HINCRBY', KEYS[2], part .. '^', 1)
  if part == '0' then redis.call('PEXPIRE', KEYS[2], ARGV[5]) end
end
return 0
