-- Acknowledge, then take messages and the leases on them. The only pop of slotline's readers.
-- KEYS[3] slotline:setaside, KEYS[4] slotline:idle:<queue> (sorted set: a slot that holds nothing and looks for work
-- -> until when that counts, ms of Redis' clock), KEYS[5…] the lists to read, the most urgent first
-- also: slotline:delayed, slotline:setaside:about; slotline:paused, and slotline:job:<id> of a message with an eta, read only
-- ARGV[2] lease in ms, ARGV[3] how many at most, ARGV[4] messages of one batch of this slot (0: no slot, it does
-- not share), ARGV[5] how many it holds, ARGV[6] for how many ms it counts as idle when it finds nothing,
-- ARGV[7…] keys to acknowledge first (those still ours)
-- Returns {taken, aside, more, held_back, now, paused}: taken = key, list, message, …; aside = list, reason, …;
-- more = 1 when a limit stopped it; held_back = 1 when it left messages to idle slots (0 where there are none: it may wait for one);
-- now = ms of Redis' clock; paused = 1 when a queue of these lists is paused.
-- Guarantee: a taken message is held under a key of its own before it has left this script; two with one tag are two.
-- Guarantee: what waits is divided among the idle slots; a slot that holds messages leaves a batch to each of them.
-- An idle slot that does not come for it (it is frozen, or died) counts as idle for ARGV[6] ms more.
-- Guarantee: a message whose eta has not come is not taken but delayed; any reader sends what is due, of any queue. So
-- a delayed message needs no certain worker, and is shared like any other when it is due.
-- Guarantee: of a queue that is paused nothing is taken, whatever waits there, as long as it is.
local SET_ASIDE, IDLE, FIRST_LIST = KEYS[3], KEYS[4], 5
local MOVED_AT_MOST = 100 -- messages that one call sets aside or delays, and messages that it sends because they are due
local now, asked, batch, held = now_ms(), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])

for i = 7, #ARGV do
  if ours(ARGV[i]) then forget(ARGV[i]) end
end

-- What the message calls itself and its headers, or nil and why it cannot be taken.
local function read(message)
  local ok, decoded = pcall(cjson.decode, message)
  -- Half of a surrogate pair is JSON for Python, not for Redis: the worker reads it, and answers it in words.
  if not ok and string.find(message, '\\u[dD]') then return 'half-a-surrogate', headers_of(message) end
  if not ok then return nil, 'not JSON: ' .. tostring(decoded) end
  if type(decoded) ~= 'table' then return nil, 'not a JSON object' end
  local properties = decoded.properties
  if type(properties) ~= 'table' then return nil, 'no properties' end
  local tag = properties.delivery_tag
  if type(tag) == 'number' then tag = tostring(tag) end
  if type(tag) ~= 'string' or tag == '' then return nil, 'no properties.delivery_tag' end
  if type(properties.delivery_info) ~= 'table' then return nil, 'no properties.delivery_info' end
  return tag, type(decoded.headers) == 'table' and decoded.headers or {}
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

-- When a message is due, in ms, if that time is still to come. One that was cancelled is not kept: who takes it ends it.
local function later(headers)
  local due = type(headers.eta) == 'string' and ms_of(headers.eta)
  if not due or due <= now then return nil end
  -- An id comes from outside and may make another key's name; then Redis refuses, and the message is kept.
  local job = type(headers.id) == 'string' and 'slotline:job:' .. headers.id
  if job and redis.pcall('HGET', job, 'outcome') == 'REVOKED' then return nil end
  return due
end

if asked > 0 then send_due(now, MOVED_AT_MOST) end

local lists, pauses, paused = {}, {}, 0
for i = FIRST_LIST, #KEYS do
  local queue = string.match(KEYS[i], '^(.-)\6\22') or KEYS[i]
  pauses[queue] = pauses[queue] or redis.call('HEXISTS', 'slotline:paused', queue)
  if pauses[queue] == 0 then lists[#lists + 1] = KEYS[i] else paused = 1 end
end

local waiting, idle = 0, 0
if batch > 0 and asked > 0 then
  redis.call('ZREM', IDLE, holder)
  redis.call('ZREMRANGEBYSCORE', IDLE, '-inf', now)
  idle = redis.call('ZCARD', IDLE)
  if idle > 0 then -- else there is nobody to share with
    for _, list in ipairs(lists) do waiting = waiting + redis.call('LLEN', list) end
  end
end

-- How many of the messages that wait are this slot's to take.
local function share()
  if idle == 0 then return asked end
  if held == 0 then return math.min(asked, math.ceil(waiting / (idle + 1))) end
  return math.max(0, math.min(asked, waiting - idle * batch))
end

local found, aside, moved = {}, {}, 0

local function sort(list, message)
  local tag, headers = read(message)
  local due = tag and later(headers)
  if tag and not due then
    found[#found + 1] = {tag, list, message}
    return
  end
  if due then
    redis.call('ZADD', DELAYED, due, list .. '\n' .. message)
  else
    set_aside(SET_ASIDE, list, headers, message, now) -- in their place is the reason
    aside[#aside + 1], aside[#aside + 2] = list, headers
  end
  moved, waiting = moved + 1, waiting - 1
end

local wanted = share()
for _, list in ipairs(lists) do
  while #found < wanted and moved < MOVED_AT_MOST do
    local popped = redis.call('RPOP', list, math.min(wanted - #found, MOVED_AT_MOST))
    if not popped then break end
    for _, message in ipairs(popped) do sort(list, message) end
  end
end

-- The share was of more messages than can be taken now: what is others' goes back to where it was.
if moved > 0 then wanted = math.min(wanted, share()) end
for i = #found, wanted + 1, -1 do redis.call('RPUSH', found[i][2], found[i][3]) end

local taken, ends = {}, now + tonumber(ARGV[2])
local count = math.min(#found, wanted)
for i = 1, count do
  local tag, list, message = unpack(found[i])
  local key = free_key(tag)
  redis.call('HSET', HELD, key, holder .. '\n' .. list .. '\n' .. message)
  redis.call('ZADD', LEASES, lease_end(ends, i - 1), key)
  taken[#taken + 1], taken[#taken + 2], taken[#taken + 3] = key, list, message
end

if batch > 0 and asked > 0 and held + count == 0 then
  -- A full Redis refuses it, and that is no reason to fail: then nothing is left to this slot.
  redis.pcall('ZADD', IDLE, now + ARGV[6], holder)
  redis.pcall('PEXPIRE', IDLE, 60000)
end

local more = moved >= MOVED_AT_MOST or (count >= wanted and wanted == asked)
local is_held_back = not more and count >= wanted and wanted < asked and waiting > count
return {taken, aside, more and 1 or 0, is_held_back and 1 or 0, now, paused}
