-- Take back the count of a run that was ended for no fault of its own, as when its worker was stopped.
-- KEYS: slotline:job:<id>:attempts
-- ARGV: part, delivery tag of the message that began the run
-- Returns 1, or 0 when the last run was begun by another message, or is noted as lost. Only for a run that has ended.
if not is_this_run(KEYS[1], ARGV[1], ARGV[2]) then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1] .. '!', ARGV[1] .. '@')
redis.call('HINCRBY', KEYS[1], ARGV[1], -1)
return 1
