-- Let go of a slot, of its worker's capacity, and of what a GPU slot has besides: its turn, and memory kept for it.
-- KEYS: slotline:slot:<host>:<device>:<index>, slotline:capacity:<model>;
--       of a GPU slot also slotline:turn:<gpu>, slotline:promised:<gpu>
-- ARGV: the value stored by the claim; the capacity's member (`worker|parts`);
--       of a GPU slot also its turn's value, the worker's name
-- Returns 1 when the slot was ours, else 0.
-- Guarantee: a slot, a turn or a promise that another worker holds by now is not touched.
redis.call('ZREM', KEYS[2], ARGV[2])
if KEYS[3] and redis.call('GET', KEYS[3]) == ARGV[3] then redis.call('DEL', KEYS[3]) end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if KEYS[4] then redis.call('HDEL', KEYS[4], ARGV[4]) end
return redis.call('DEL', KEYS[1])
