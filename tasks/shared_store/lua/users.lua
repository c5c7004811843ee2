-- The users of all stores that live workers use.
-- KEYS: slotline:stores; also slotline:store:<id> of each store that it finds
-- ARGV: slotline:store: (the prefix of a store's users); how many users of each store at most
-- Returns {id, user, id, user, …}. Changes nothing.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf')) do
  for _, user in ipairs(redis.call('ZRANGEBYSCORE', ARGV[1] .. id, '(' .. now, '+inf', 'LIMIT', 0, ARGV[2])) do
    found[#found + 1] = id
    found[#found + 1] = user
  end
end
return found
