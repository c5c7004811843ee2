-- Set aside a message that no queue has (any more): the attempts of a task without a job are used up.
-- KEYS: slotline:setaside; also slotline:setaside:about
-- ARGV: the queue's list, the reason, the message
-- Returns how many entries there are now. The function is the transport's own (workers/transport/lua/_head.lua).
-- Put an entry into slotline:setaside: a line of JSON (queue, reason, time in ms), then the message as it came. The list
-- is bounded in number and bytes: the oldest entries give way, and slotline:setaside:about counts them (`dropped`).
local ASIDE_NUMBER, ASIDE_BYTES = 10000, 67108864

local function set_aside(target, list, reason, message)
  local entry = cjson.encode({queue = list, reason = reason, time = now_ms()}) .. '\n' .. message
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

set_aside(KEYS[1], ARGV[1], ARGV[2], ARGV[3])
return redis.call('LLEN', KEYS[1])
