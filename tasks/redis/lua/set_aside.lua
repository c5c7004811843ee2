-- For the scripts of the ledger and of the transport: messages put out of the way. Defines functions, runs nothing.
-- Keys that the functions touch: slotline:setaside (list: a line of JSON (queue, reason, time in ms), then the message
-- as it came), slotline:setaside:about (hash: its `bytes`, and how many entries were `dropped`).

-- The list is bounded in number and bytes: the oldest entries give way, and are counted as `dropped`.
local ASIDE_NUMBER, ASIDE_BYTES = 10000, 67108864

local function set_aside(target, list, reason, message, now)
  local entry = cjson.encode({queue = list, reason = reason, time = now}) .. '\n' .. message
  local about, count, dropped = target .. ':about', redis.call('LLEN', target), 0
  local bytes = count == 0 and 0 or tonumber(redis.call('HGET', about, 'bytes') or 0)
  while count > 0 and (count >= ASIDE_NUMBER or bytes + #entry > ASIDE_BYTES) do
    bytes = math.max(0, bytes - #redis.call('LPOP', target))
    count, dropped = count - 1, dropped + 1
  end
  redis.call('RPUSH', target, entry)
  redis.call('HSET', about, 'bytes', bytes + #entry)
  redis.call('HINCRBY', about, 'dropped', dropped)
end
