-- Let go of a slot, of its worker's name and capacity, and of what a GPU slot has besides: its turn, and memory kept
-- for it.
-- KEYS: slotline:slot:<host>:<device>:<index>, slotline:name:<worker>, slotline:capacity:<model>;
--       of a GPU slot also slotline:turn:<gpu>, slotline:promised:<gpu>
-- ARGV: the value stored by the claim; the capacity's member (`worker|parts`, with any number);
--       of a GPU slot also its turn's value, the worker's name
-- Returns 1 when the slot was ours, else 0.
-- Guarantee: a slot, a name, a turn, a capacity or a promise that another worker holds by now is not touched.
local named = redis.call('GET', KEYS[2])
if not named or named == ARGV[1] then
  redis.call('DEL', KEYS[2])
  local worker = string.match(ARGV[2], '^(.*|)%d+$')
  for _, member in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
    if worker and string.sub(member, 1, #worker) == worker then redis.call('ZREM', KEYS[3], member) end
  end
end
if KEYS[4] and redis.call('GET', KEYS[4]) == ARGV[3] then redis.call('DEL', KEYS[4]) end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if KEYS[5] then redis.call('HDEL', KEYS[5], ARGV[4]) end
return redis.call('DEL', KEYS[1])
