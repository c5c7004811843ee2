-- Let go of an artifact, made or failed, and send everybody who waited for it to the front of their queues, in order.
-- KEYS: slotline:hand:<artifact>, slotline:followers:<artifact>, slotline:delayed
-- ARGV: delivery tag of whoever had it in hand; '' for anybody's, when the artifact is there and no hand means anything
-- Returns how many were sent. Somebody else's hand is left alone; who was sent already (promote.lua) is not sent twice.
if ARGV[1] == '' or redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local waiting, sent = redis.call('LRANGE', KEYS[2], 0, -1), 0
for i = #waiting, 1, -1 do
  if redis.call('ZREM', KEYS[3], waiting[i]) == 1 then
    local cut = string.find(waiting[i], '\n', 1, true)
    redis.call('RPUSH', string.sub(waiting[i], 1, cut - 1), string.sub(waiting[i], cut + 1))
    sent = sent + 1
  end
end
redis.call('DEL', KEYS[2])
return sent
