-- Renew the leases of held messages.
-- ARGV[2] lease in ms, ARGV[3…] their keys, in the order in which they were taken
-- Returns the keys that this holder no longer has: their lease had ended, and another worker reclaimed them.
local ends, lost = now_ms() + tonumber(ARGV[2]), {}
for i = 3, #ARGV do
  if ours(ARGV[i]) then
    redis.call('ZREM', LEASES, ARGV[i]) -- asks for no memory, and what follows is then allowed on a full Redis, too
    redis.call('ZADD', LEASES, lease_end(ends, i - 3), ARGV[i])
  else
    lost[#lost + 1] = ARGV[i]
  end
end
return lost
