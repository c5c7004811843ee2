-- Take a turn at what one worker at a time does for all, or keep it.
-- KEYS: the turn (slotline:sweeper, slotline:pruner)
-- ARGV: the worker's token, for how many ms from now on
-- Returns 1 if it is this worker's turn, else 0.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
