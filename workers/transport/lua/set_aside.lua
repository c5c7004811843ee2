-- Move a message that the worker cannot even read out of the way, with the reason.
-- KEYS[3] slotline:setaside; also slotline:setaside:about (tasks/redis/lua/set_aside.lua)
-- ARGV[2] its key, ARGV[3] the reason
-- Returns 1, or 0 when this holder no longer has it.
local list, message = ours(ARGV[2])
if not list then return 0 end
forget(ARGV[2])
set_aside(KEYS[3], list, ARGV[3], message, now_ms())
return 1
