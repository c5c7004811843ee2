-- End a turn to load on a GPU.
-- KEYS: slotline:turn:<gpu>
-- ARGV: the turn's value
-- Returns 1 when it was ours, else 0.
-- Guarantee: another worker's turn is not touched.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
