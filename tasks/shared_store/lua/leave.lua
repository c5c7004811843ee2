-- A worker uses its store no longer; a store without live users is free for another one at once.
-- KEYS: slotline:stores, slotline:store:<id>
-- ARGV: the store's id; the user, as it was recorded
redis.call('ZREM', KEYS[2], ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('ZCOUNT', KEYS[2], '(' .. now, '+inf') == 0 then redis.call('ZREM', KEYS[1], ARGV[1]) end
return 1
