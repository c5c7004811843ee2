-- Acknowledge, then take messages and the leases on them. The only pop of slotline's readers.
-- KEYS[3] slotline:setaside, KEYS[4] slotline:idle:<queue> (sorted set: a slot that holds nothing and looks for work
-- -> until when that counts, ms of Redis' clock), KEYS[5…] the lists to read, the most urgent first
-- ARGV[2] lease in ms, ARGV[3] how many at most, ARGV[4] messages of one batch of this slot (0: no slot, it does
-- not share), ARGV[5] how many it holds, ARGV[6] for how many ms it counts as idle when it finds nothing,
-- ARGV[7…] keys to acknowledge first (those still ours)
-- Returns {taken, aside, more, held_back}: taken = key, list, message, …; aside = list, reason, …; more = 1 when a
-- limit stopped it; held_back = 1 when it left messages to idle slots (0 where there are none: it may wait for one).
-- Guarantee: a taken message is held under a key of its own before it has left this script; two with one tag are two.
-- Guarantee: what waits is divided among the idle slots; a slot that holds messages leaves a batch to each of them.
-- An idle slot that does not come for it (it is frozen, or died) counts as idle for ARGV[6] ms more.
local ASIDE_AT_MOST = 100

for i = 7, #ARGV do
  if ours(ARGV[i]) then forget(ARGV[i]) end
end

-- What the message calls itself, or nil and why it cannot be taken.
local function tag_of(message)
  local ok, decoded = pcall(cjson.decode, message)
  -- Half of a surrogate pair is JSON for Python, not for Redis: the worker reads it, and answers it in words.
  if not ok and string.find(message, '\\u[dD]') then return 'half-a-surrogate' end
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

-- The sender chose the tag. As a key it is a short word: it goes through lists of lines, logs and other programs.
local LONGEST_KEY = 200

local function free_key(tag)
  local word = string.gsub(tag, '[^\33-\126]', function(char) return string.format('%%%02X', string.byte(char)) end)
  word = string.sub(word, 1, LONGEST_KEY)
  local key, n = word, 1
  while redis.call('HEXISTS', HELD, key) == 1 do
    n = n + 1
    key = word .. '#' .. n
  end
  return key
end

local IDLE, batch, held = KEYS[4], tonumber(ARGV[4]), tonumber(ARGV[5])

local waiting = 0

-- How many of the messages that wait are this slot's to take.
local function share()
  redis.call('ZREM', IDLE, holder)
  redis.call('ZREMRANGEBYSCORE', IDLE, '-inf', now_ms())
  local idle = redis.call('ZCARD', IDLE)
  if idle == 0 then return math.huge end
  for i = 5, #KEYS do waiting = waiting + redis.call('LLEN', KEYS[i]) end
  if held == 0 then return math.ceil(waiting / (idle + 1)) end
  return math.max(0, waiting - idle * batch)
end

local asked, ends = tonumber(ARGV[3]), now_ms() + tonumber(ARGV[2])
local wanted = asked
if batch > 0 and asked > 0 then wanted = math.min(asked, share()) end
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

for i = 5, #KEYS do
  while count < wanted and refused < ASIDE_AT_MOST do
    local popped = redis.call('RPOP', KEYS[i], math.min(wanted - count, ASIDE_AT_MOST))
    if not popped then break end
    for _, message in ipairs(popped) do take(KEYS[i], message) end
  end
end

if batch > 0 and asked > 0 and held + count == 0 then
  -- A full Redis refuses it, and that is no reason to fail: then nothing is left to this slot.
  redis.pcall('ZADD', IDLE, now_ms() + ARGV[6], holder)
  redis.pcall('PEXPIRE', IDLE, 60000)
end

local was_limited = count >= wanted or refused >= ASIDE_AT_MOST
local is_left = wanted < asked and waiting > count + refused
return {taken, aside, (was_limited and wanted == asked) and 1 or 0, (was_limited and is_left) and 1 or 0}
