--- Hands out connections.
local M = {}
local utils = require("net.utils")
local Job = require "net.job".new
require 'side'
local ok, json = pcall(require, "cjson")

--- Takes one.
-- It may wait.
-- @param name whose
function M.take(name, count)
  return utils.pick(name) + M:size(count)
end

function M:size() return self.n end

-- Prints it 😋.
local function helper(a) print(a) end

M.close = function(x)
  return x
end

M.options = { a = 1 }
local LIMIT = 5
local defaults = {
  -- When it is attached.
  on_attach = function(client)
    client:go()
  end,
}

return M
