-- Tell the other slots of a queue which models this slot has loaded (_prefer.lua has the keys; KEYS[1], KEYS[2] not used).
-- ARGV[2] the queue, ARGV[3] for how long that holds, ms, ARGV[4] how many more models fit, or `-`: this slot has only one
-- model, or none any more, ARGV[5] how long a load takes, ms, or 0: not measured, ARGV[6] for how long that is kept, ms,
-- ARGV[7] how many words follow that it has no more, ARGV[8…] these, and then those that it has
-- Guarantee: what it will load for messages in its hand stays noted until it is loaded, or its time is over.
local FORGET_MS = 60000 -- a record that nobody believes any more is kept for so long: Redis may have been away
local keys, now, holds_ms = preference().keys_of(ARGV[2]), now_ms(), tonumber(ARGV[3])
local first = 8 + tonumber(ARGV[7])
for i = 8, first - 1 do redis.call('ZREM', keys.loaded .. ARGV[i], holder) end
local has = {}
for i = first, #ARGV do has[ARGV[i]] = true end

-- A slot that was killed takes nothing back. Each new slot forgets those, so they are never more than there were starts.
local function forget_dead()
  local records = redis.call('HGETALL', keys.room)
  for i = 1, #records, 2 do
    if cjson.decode(records[i + 1]).until_ms < now - FORGET_MS then redis.call('HDEL', keys.room, records[i]) end
  end
end

-- The words of one field of what this slot's record has that are still to be kept, and their number.
local kept = redis.call('HGET', keys.room, holder)
local record = kept and cjson.decode(kept) or {}

local function still(field, is_loaded)
  local words, count = {}, 0
  for word, till in pairs(record[field] or {}) do
    if (has[word] or false) == is_loaded and till > now then words[word], count = till, count + 1 end
  end
  return words, count
end

local coming, count = still('coming', false)
local over, spare = still('over', true)
for word in pairs(has) do
  local key = keys.loaded .. word
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  if not over[word] then
    redis.call('ZADD', key, now + holds_ms, holder)
    redis.call('PEXPIRE', key, math.max(2 * holds_ms, redis.call('PTTL', key)))
  end
end
if ARGV[5] ~= '0' then redis.call('SET', keys.load, ARGV[5], 'PX', ARGV[6]) end

if ARGV[4] == '-' then
  for word in pairs(coming) do redis.call('ZREM', keys.loaded .. word, holder) end
  redis.call('HDEL', keys.room, holder)
else
  local calm = count == 0 and (next(record.coming or {}) and now or record.calm_ms) or nil
  redis.call('HSET', keys.room, holder, cjson.encode({until_ms = now + holds_ms,
    room = math.max(0, ARGV[4] + spare - count), coming = coming, over = over, calm_ms = calm}))
  redis.call('PEXPIRE', keys.room, 86400000)
  if not kept then forget_dead() end
end
return count
