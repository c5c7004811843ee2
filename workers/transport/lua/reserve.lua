-- Acknowledge, then take messages and the leases on them. The only pop of slotline's readers.
-- KEYS[3] slotline:setaside, KEYS[4…] the lists to read, the most urgent first
-- ARGV[2] lease in ms, ARGV[3] how many at most, ARGV[4…] keys to acknowledge first (those still ours)
-- Returns {taken, aside, more}: taken = key, list, message, …; aside = list, reason, …; more = 1 when a limit stopped it.
-- Guarantee: a taken message is held under a key of its own before it has left this script; two with one tag are two.
local ASIDE_AT_MOST = 100

for i = 4, #ARGV do
  if ours(ARGV[i]) then forget(ARGV[i]) end
end

-- What the message calls itself, or nil and why it cannot be taken.
local function tag_of(message)
  local ok, decoded = pcall(cjson.decode, message)
  if not ok then return nil, 'not JSON: ' .. tostring(decoded) end
  if type(decoded) ~= 'table' then return nil, 'not a JSON object' end
  local properties = decoded.properties
  if type(properties) ~= 'table' then return nil, 'no properties' end
  local tag = properties.delivery_tag
  if type(tag) == 'number' then tag = tostring(tag) end
  if type(tag) ~= 'string' or tag == '' then return nil, 'no properties.delivery_tag' end
  if type(properties.delivery_info) ~= 'table' then return nil, 'no properties.delivery_info' end
  return tag
end

local function free_key(tag)
  local key, n = tag, 1
  while redis.call('HEXISTS', HELD, key) == 1 do
    n = n + 1
    key = tag .. '#' .. n
  end
  return key
end

local wanted, ends = tonumber(ARGV[3]), now_ms() + tonumber(ARGV[2])
local taken, aside, count, refused = {}, {}, 0, 0

local function take(list, message)
  local tag, reason = tag_of(message)
  if not tag then
    set_aside(KEYS[3], list, reason, message)
    refused = refused + 1
    aside[#aside + 1], aside[#aside + 2] = list, reason
    return
  end
  local key = free_key(tag)
  redis.call('HSET', HELD, key, holder .. '\n' .. list .. '\n' .. message)
  redis.call('ZADD', LEASES, lease_end(ends, count), key)
  count = count + 1
  taken[#taken + 1], taken[#taken + 2], taken[#taken + 3] = key, list, message
end

for i = 4, #KEYS do
  while count < wanted and refused < ASIDE_AT_MOST do
    local popped = redis.call('RPOP', KEYS[i], math.min(wanted - count, ASIDE_AT_MOST))
    if not popped then break end
    for _, message in ipairs(popped) do take(KEYS[i], message) end
  end
end

return {taken, aside, (count >= wanted or refused >= ASIDE_AT_MOST) and 1 or 0}
