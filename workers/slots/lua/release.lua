-- Let go of a slot and of its worker's capacity.
-- KEYS: slotline:slot:<host>:<device>:<index>, slotline:capacity:<model>
-- ARGV: the value stored by the claim; the capacity's member (`worker|parts`)
-- Returns 1 when the slot was ours, else 0.
-- Guarantee: a slot that another worker holds by now is not touched.
redis.call('ZREM', KEYS[2], ARGV[2])
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
