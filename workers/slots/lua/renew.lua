-- Renew the lease on a slot and on its worker's name, and on the same beat what the worker can take at once.
-- KEYS: slotline:slot:<host>:<device>:<index>, slotline:name:<worker>, slotline:capacity:<model>;
--       of a GPU slot also slotline:turn:<gpu>
-- ARGV: the value stored by the claim; lease in ms; the capacity's member (`worker|parts`); 1 when ready, else 0;
--       of a GPU slot also its turn's value
-- Returns '' when slot and name are ours, else the value of who holds one of them; then nothing was changed.
-- Guarantee: a slot or a name whose lease ran out is taken back only while no other worker holds it. Members of
-- dead workers leave the capacity when their lease has ended. A turn to load is renewed only while it is ours.
-- Guarantee: a worker has one capacity: when its number changes, the old member goes in the same step.
for i = 1, 2 do
  local held = redis.call('GET', KEYS[i])
  if held and held ~= ARGV[1] then return held end
end
for i = 1, 2 do redis.call('SET', KEYS[i], ARGV[1], 'PX', ARGV[2]) end
if KEYS[4] and redis.call('GET', KEYS[4]) == ARGV[5] then redis.call('PEXPIRE', KEYS[4], ARGV[2]) end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
local worker = string.match(ARGV[3], '^(.*|)%d+$')
for _, member in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
  if member ~= ARGV[3] and worker and string.sub(member, 1, #worker) == worker then
    redis.call('ZREM', KEYS[3], member)
  end
end
if ARGV[4] == '1' then
  redis.call('ZADD', KEYS[3], now + ARGV[2], ARGV[3])
  redis.call('PEXPIRE', KEYS[3], 10 * ARGV[2]) -- it ends after its last worker, however that died
else
  redis.call('ZREM', KEYS[3], ARGV[3])
end
return ''
