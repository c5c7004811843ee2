-- Head of every script of the transport: the clock, and what an entry of the held hash is. Touches nothing itself.
-- In all scripts: KEYS[1] slotline:held (hash: key -> holder \n list \n message), KEYS[2] slotline:leases (sorted
-- set: key -> end of its lease, ms of Redis' clock), ARGV[1] the holder. A message is in exactly one place: a queue's
-- list, the held hash, or set aside; each script moves it whole. The first write of a script never asks for memory,
-- so that a full Redis refuses it before anything has moved, not halfway.

local HELD, LEASES, holder = KEYS[1], KEYS[2], ARGV[1]

local function now_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- The n-th of messages leased in one step: a fraction of a millisecond keeps their order, which a reclaim restores.
local function lease_end(from, n)
  return from + (n % 4096) / 4096
end

-- The list and the message behind a key that this holder has; nothing when it is not (or no longer) this holder's.
local function ours(key)
  local entry = redis.call('HGET', HELD, key)
  if not entry or string.sub(entry, 1, #holder + 1) ~= holder .. '\n' then return nil end
  local cut = string.find(entry, '\n', #holder + 2, true)
  return string.sub(entry, #holder + 2, cut - 1), string.sub(entry, cut + 1)
end

local function forget(key)
  redis.call('HDEL', HELD, key)
  redis.call('ZREM', LEASES, key)
end
