--- A server that died is started again: after 1, 2, 4 and 8 s; at the fifth death in three minutes
--- no more, and one message says how to go on.
---
--- Neovim hears of a death only when the next server starts. Told at once it would stop to follow the
--- buffer with the next key, for good; and what it says of it is so long that typing stops until
--- somebody presses Enter.
local paths = require('homespun.paths')

local M = {}

local MAX_DEATHS = 5
local WINDOW_MS = 3 * 60 * 1000
local FIRST_DELAY_MS = 1000
local STOP_MS = 3000 -- that long a server may take to end when it is asked to
local GAVE_UP = 'Homespun: the server died five times; :Homespun restart starts it again' -- fits a line

local fallen = {} -- root folder, '' for none -> what is known of its server
local successors = {} -- connection that ends, to be started anew -> buffers that wait for that

--- Note a death; return the milliseconds until the next start, nil for no more.
local function delay_after(deaths)
  local now = vim.uv.now()
  for i = #deaths, 1, -1 do
    if now - deaths[i] >= WINDOW_MS then
      table.remove(deaths, i)
    end
  end
  table.insert(deaths, now)
  return #deaths < MAX_DEATHS and FIRST_DELAY_MS * 2 ^ (#deaths - 1) or nil
end

--- Have the server of a dead connection started.
local function succeed(it)
  local connection, report = it.connection, it.report
  it.connection, it.report, it.timer = nil, nil, nil
  successors[connection] = it.buffers
  it.buffers = {}
  report()
end

local function died(root, connection, report, how)
  local it = fallen[root] or { deaths = {} }
  fallen[root] = it
  it.connection, it.report, it.buffers = connection, report, {}
  local delay_ms = delay_after(it.deaths)
  if delay_ms then
    local message = ('the server %s and is started again in %d s'):format(how, delay_ms / 1000)
    it.state = { state = 'starting', message = message }
    it.timer = vim.defer_fn(function()
      if it.connection == connection then -- else it was started by hand
        succeed(it)
      end
    end, delay_ms)
  else
    local sentence = 'the server failed five times in three minutes and is not started again; '
      .. ('the last time it %s; :Homespun restart starts it'):format(how)
    it.state = { state = 'problem', message = sentence }
    vim.notify(GAVE_UP, vim.log.levels.ERROR)
  end
end

--- Return a command for `vim.lsp.config` that does what `command` does and outlives its server;
--- `shown` is called when what `state` says has changed.
function M.command(command, shown)
  return function(dispatchers, config)
    local connection
    local was_asked = false
    local heard = vim.tbl_extend('force', dispatchers, {
      on_exit = vim.schedule_wrap(function(code, signal)
        if was_asked then
          return dispatchers.on_exit(0, 0)
        end
        local report = function()
          dispatchers.on_exit(0, 0)
        end
        local how = signal ~= 0 and ('ended by signal %d'):format(signal)
          or ('ended with code %d'):format(code)
        died(config.root_dir or '', connection, report, how)
        shown()
      end),
    })
    if type(command) == 'function' then
      connection = command(heard, config)
    else
      connection = vim.lsp.rpc.start(paths.command(command, config.root_dir), heard, {
        cwd = config.cmd_cwd or paths.folder(),
        env = config.cmd_env,
        detached = config.detached,
      })
    end
    local request, terminate = connection.request, connection.terminate
    function connection.request(method, ...)
      was_asked = was_asked or method == 'shutdown'
      return request(method, ...)
    end
    function connection.terminate()
      was_asked = true
      terminate()
    end
    return connection
  end
end

--- Hear that a client has come to its end.
function M.ended(client)
  local buffers = successors[client.rpc]
  if not buffers then -- somebody wants no more of it
    fallen[client.root_dir or ''] = nil
    return
  end
  successors[client.rpc] = nil
  buffers = vim.tbl_extend('force', client.attached_buffers, buffers)
  local config = vim.tbl_extend('force', client.config, { settings = client.settings })
  vim.schedule(function()
    for buffer in pairs(buffers) do
      if vim.api.nvim_buf_is_loaded(buffer) then
        vim.lsp.start(config, { bufnr = buffer })
      end
    end
  end)
end

--- Hear that a server is up.
function M.up(client)
  local it = fallen[client.root_dir or '']
  if it then
    it.state = nil
  end
end

--- Say whether any server died.
function M.is_due()
  return next(fallen) ~= nil
end

--- Return how the server of a folder is that died; nil where none did or it is up again.
function M.state(root)
  local it = fallen[root or '']
  return it and it.state
end

--- Return a sentence for each server that died and is not up again.
function M.sentences()
  local found = {}
  for _, it in pairs(fallen) do
    table.insert(found, it.state and it.state.message)
  end
  return found
end

--- Say whether a buffer has to wait with the others of its folder until the server is started.
function M.holds(root, buffer)
  local it = fallen[root or '']
  if it and it.connection then
    it.buffers[buffer] = true
    return true
  end
  return false
end

--- Start every server again, those that died and those that run; former deaths no longer count.
function M.restart()
  local before = fallen
  fallen = {}
  for _, it in pairs(before) do
    if it.timer and not it.timer:is_closing() then
      it.timer:close()
    end
    if it.connection then
      succeed(it)
    end
  end
  for _, client in ipairs(vim.lsp.get_clients({ name = 'homespun' })) do
    if not client:is_stopped() then
      successors[client.rpc] = {}
      client:stop()
      vim.defer_fn(function()
        if successors[client.rpc] then
          client.rpc.terminate()
        end
      end, STOP_MS)
    end
  end
end

return M
