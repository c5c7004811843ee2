-- Release an artifact, made or failed, and send the messages that wait for it to the front of their queues, in order.
-- KEYS: slotline:hand:<artifact> (the tag of the message that computes it), slotline:followers:<artifact> (the messages
--       that wait for it), slotline:delayed
-- ARGV: delivery tag of the message that claimed it; '' releases any claim, because the artifact exists
-- Returns how many were sent. The claim of another message is left alone, and then nothing is sent. A message that was
-- sent already (promote.lua) is not sent twice.
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
