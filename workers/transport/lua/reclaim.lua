-- Put messages whose lease has ended back to the front of their lists, whoever held them. ARGV[1] is not used.
-- ARGV[2] how many at most; ARGV[3] only leases that ended at most so many ms ago, or -1 for all
-- Returns their former holders, one a message. Guarantee: order is kept, the oldest ends up foremost, also over
-- several calls (the youngest are moved first); many workers may run it at once.
local taken_back = {}
local now, within = now_ms(), tonumber(ARGV[3])
local oldest = within < 0 and '-inf' or now - within
local ended = redis.call('ZRANGE', LEASES, now, oldest, 'BYSCORE', 'REV', 'LIMIT', 0, ARGV[2])
for _, key in ipairs(ended) do
  local entry = redis.call('HGET', HELD, key)
  forget(key)
  if entry then
    local first = string.find(entry, '\n', 1, true)
    local second = string.find(entry, '\n', first + 1, true)
    redis.call('RPUSH', string.sub(entry, first + 1, second - 1), string.sub(entry, second + 1))
    taken_back[#taken_back + 1] = string.sub(entry, 1, first - 1)
  end
end
return taken_back
