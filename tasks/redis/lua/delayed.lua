-- For the scripts of the ledger and of the transport: messages that wait for a time. Defines functions, runs nothing.
-- Keys that the functions touch: slotline:delayed (sorted set: `queue list \n message` -> when it is due, ms of Redis'
-- clock), the queues' lists, and those of set_aside.lua, which comes before this file. A message is in one of them, or
-- held, and each script moves it whole.

local DELAYED = 'slotline:delayed'

local function headers_of(message)
  local ok, decoded = pcall(cjson.decode, message)
  -- JSON for Python, not for Redis (half of a surrogate pair); inside of a text the quotes would be escaped.
  if not ok then return {eta = string.match(message, '"eta": ?"([^"]*)"')} end
  local headers = type(decoded) == 'table' and decoded.headers
  return type(headers) == 'table' and headers or {}
end

-- An error here would stop every reader. Where something else has the list's name, the message is set aside; where the
-- user of this connection may not write to the list, another's may, so the message is due again in a second.
local function push(command, list, message, now)
  local answer = redis.pcall(command, list, message)
  if type(answer) ~= 'table' or not answer.err then return end
  if not string.find(answer.err, 'WRONGTYPE', 1, true) then
    redis.call('ZADD', DELAYED, now + 1000, list .. '\n' .. message)
    return
  end
  set_aside('slotline:setaside', list, 'cannot be sent: ' .. answer.err, message, now)
end

-- Send the messages that are due, at most `limit`, the earliest first. Asks for no memory before it has freed as much.
-- One with an eta goes to the back of its queue, as if it were sent now, so that what is due earlier runs earlier.
-- One without was taken before (it is a further try, or has waited for an artifact), and goes to the front.
local function send_due(now, limit)
  local due = redis.call('ZRANGEBYSCORE', DELAYED, '-inf', now, 'LIMIT', 0, limit)
  local to_front = {}
  for _, entry in ipairs(due) do
    local cut = string.find(entry, '\n', 1, true) or #entry + 1
    local list, message = string.sub(entry, 1, cut - 1), string.sub(entry, cut + 1)
    redis.call('ZREM', DELAYED, entry)
    if type(headers_of(message).eta) == 'string' then
      push('LPUSH', list, message, now)
    else
      to_front[#to_front + 1] = {list, message}
    end
  end
  for i = #to_front, 1, -1 do push('RPUSH', to_front[i][1], to_front[i][2], now) end
  return #due
end

-- Days from 1970-01-01 to a date of the Gregorian calendar; nothing when there is no such date.
local function days_of(year, month, day)
  if year < 1 or month < 1 or month > 12 or day < 1 then return nil end
  local leap = (year % 4 == 0 and year % 100 ~= 0) or year % 400 == 0
  local days = {31, leap and 29 or 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
  if day > days[month] then return nil end
  local before = year - 1
  local total = before * 365 + math.floor(before / 4) - math.floor(before / 100) + math.floor(before / 400)
  for i = 1, month - 1 do total = total + days[i] end
  return total + day - 1 - 719162
end

-- Minutes east of UTC of `Z`, `+07:00`, `+0700`, `+07` or nothing (UTC); nil for anything else.
local function minutes_of(zone)
  if zone == '' or zone == 'Z' then return 0 end
  local sign, hours, minutes = string.match(zone, '^([+-])(%d%d):?(%d%d)$')
  if not sign then
    sign, hours = string.match(zone, '^([+-])(%d%d)$')
    minutes = 0
  end
  if not sign or tonumber(hours) > 23 or tonumber(minutes) > 59 then return nil end
  return (sign == '-' and -1 or 1) * (hours * 60 + minutes)
end

-- A time as Celery writes it (`2026-01-31T12:00:00.250000+07:00`, in ISO 8601), in ms since 1970; nil for another text.
-- `fault_of_eta` in workers/transport/due_request.py reads the same texts.
local function ms_of(text)
  if #text == 10 then text = text .. 'T00:00' end
  local year, month, day, hour, minute, rest = string.match(text, '^(%d%d%d%d)%-(%d%d)%-(%d%d)[T ](%d%d):(%d%d)(.*)$')
  if not year then return nil end
  local second, fraction = 0, '0'
  if string.sub(rest, 1, 1) == ':' then
    second, rest = string.match(rest, '^:(%d%d)(.*)$')
    if not second then return nil end
    local digits, zone = string.match(rest, '^[.,](%d+)(.*)$')
    if digits then fraction, rest = string.sub(digits, 1, 6), zone end
  end
  local days, zone = days_of(tonumber(year), tonumber(month), tonumber(day)), minutes_of(rest)
  if not days or not zone or tonumber(hour) > 23 or tonumber(minute) > 59 or tonumber(second) > 59 then return nil end
  return (((days * 24 + hour) * 60 + minute - zone) * 60 + second + tonumber('0.' .. fraction)) * 1000
end
