-- Say that a worker uses a store, for the length of a lease; refused while a live worker uses another store.
-- KEYS: slotline:stores, slotline:store:<id>; also slotline:store:<id> of every other store that it finds
-- ARGV: the store's id; the user, JSON; lease in ms; slotline:store: (the prefix of a store's users)
-- Returns '' when it is recorded, else a user of the other store; then nothing was changed.
-- Guarantee: of two workers that start at once with two stores, one is refused. Dead workers count until their lease
-- has ended.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, other in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf')) do
  if other ~= ARGV[1] then
    local users = redis.call('ZRANGEBYSCORE', ARGV[4] .. other, '(' .. now, '+inf', 'LIMIT', 0, 1)
    if users[1] then return users[1] end
  end
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
redis.call('ZADD', KEYS[1], 'GT', now + ARGV[3], ARGV[1])
redis.call('ZADD', KEYS[2], now + ARGV[3], ARGV[2])
redis.call('PEXPIRE', KEYS[1], 10 * ARGV[3]) -- they end after the last worker, however that died
redis.call('PEXPIRE', KEYS[2], 10 * ARGV[3])
return ''
