-- Send the delayed messages that are due, to the front of their queues.
-- KEYS: slotline:delayed
-- ARGV: how many at most
-- Returns how many were sent. Guarantee: a message is delayed or queued, never both, never neither.
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now_ms(), 'LIMIT', 0, ARGV[1])
for _, entry in ipairs(due) do
  local cut = string.find(entry, '\n', 1, true)
  redis.call('RPUSH', string.sub(entry, 1, cut - 1), string.sub(entry, cut + 1))
  redis.call('ZREM', KEYS[1], entry)
end
return #due
