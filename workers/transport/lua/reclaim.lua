-- Put messages whose lease has ended back to the front of their lists, of any holder. ARGV[1] is not used.
-- KEYS[3] slotline:beat (hash: at = when a worker last looked after the leases, server = at which one, until = before
-- when nothing is reclaimed; ms of Redis' clock)
-- ARGV[2] how many at most, ARGV[3] the server's run id, or '' to reclaim without asking whether the holders had a
-- chance, ARGV[4] lease in ms, ARGV[5] after how long without a look, in ms, holders had no chance
-- Returns their former holders, one a message. Guarantee: order is kept, the oldest ends up foremost, also over
-- several calls (the youngest are moved first); many workers may run it at once.
-- Guarantee: while no worker could look after the leases (Redis was away, frozen, replaced by another server, its clock
-- has jumped), none could renew either; then nothing is reclaimed for one lease, and holders renew first.
local BEAT = KEYS[3]
local SLEW = 1000 -- ms that a clock may be set back by its daemon
local now = now_ms()

-- No lease may last longer than one from now, whatever the clock was that it was written by.
local function shorten(longest)
  local later = redis.call('ZRANGE', LEASES, '(' .. longest, '+inf', 'BYSCORE')
  for i, key in ipairs(later) do redis.call('ZADD', LEASES, lease_end(longest, i - 1), key) end
end

local function may_reclaim(server, lease, gap)
  local beat = redis.call('HMGET', BEAT, 'at', 'server', 'until')
  local at, from = tonumber(beat[1]), tonumber(beat[3]) or 0
  local is_new = not at or beat[2] ~= server or now - at > gap or at - now > SLEW or from - now > lease + SLEW
  redis.call('DEL', BEAT) -- asks for no memory, and what follows is then allowed on a full Redis, too
  if is_new then
    from = 0
    if redis.call('ZCARD', LEASES) > 0 then
      from = now + lease
      shorten(from + 1)
    end
  end
  redis.call('HSET', BEAT, 'at', now, 'server', server, 'until', from)
  redis.call('PEXPIRE', BEAT, 86400000)
  return now >= from
end

if ARGV[3] ~= '' and not may_reclaim(ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])) then return {} end

local taken_back = {}
local ended = redis.call('ZRANGE', LEASES, now, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, ARGV[2])
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
