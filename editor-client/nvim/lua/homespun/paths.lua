--- Where the server's program is, where it is started, and which folder is a project: a folder that
--- is opened has no say in the first two, and in the third only by what no clone can bring.
local M = {}

local is_windows = vim.fn.has('win32') == 1

local function is_absolute(path)
  return path:match('^/') or is_windows and (path:match('^%a:[\\/]') or path:match('^[\\/][\\/]'))
end

local function is_inside(path, folder)
  local real = vim.fs.normalize(vim.uv.fs_realpath(path) or path)
  folder = vim.fs.normalize(vim.uv.fs_realpath(folder) or folder)
  if is_windows then
    real, folder = real:lower(), folder:lower()
  end
  return real == folder or vim.startswith(real, folder:gsub('/$', '') .. '/')
end

--- Return the full path of a program: itself, or the first of the PATH that lies outside of `root`;
--- nil where there is none. Windows, and an entry such as ".", would take the project's. A home
--- folder, or one above, is no project: the user's own programs are in there.
function M.program(name, root)
  root = root and not is_inside(vim.uv.os_homedir(), root) and root or nil
  if name:find('/') or is_windows and name:find('\\') then
    return is_absolute(name) and name or nil
  end
  for entry in vim.gsplit(vim.env.PATH or '', is_windows and ';' or ':', { plain = true }) do
    local path = vim.fs.joinpath(entry, is_windows and name .. '.exe' or name)
    if is_absolute(entry) and vim.fn.executable(path) == 1 then
      if not (root and (is_inside(path, root) or is_inside(entry, root))) then
        return path
      end
    end
  end
end

--- Return the folder to start the server in: Python and Windows look for code where they are started.
function M.folder()
  local folder = vim.fn.stdpath('state')
  vim.fn.mkdir(folder, 'p')
  return folder
end

--- Return a command to start: with its program's full path, one that is not there where none is to
--- be had, so that the sentence is Neovim's own.
function M.command(command, root)
  local program = M.program(command[1], root) or vim.fs.joinpath(M.folder(), 'none', command[1])
  return vim.list_extend({ program }, command, 2)
end

local function is_own(folder)
  local found = vim.uv.fs_lstat(folder)
  if not found or found.type ~= 'directory' then
    return false
  end
  return is_windows or found.uid == vim.uv.getuid()
end

--- Return the project of a buffer: the nearest folder with .git, which no clone can carry; where none
--- is around, the nearest one with a .homespun of this user.
function M.root(buffer)
  return vim.fs.root(buffer, '.git')
    or vim.fs.root(buffer, function(name, parent)
      return name == '.homespun' and is_own(vim.fs.joinpath(parent, name))
    end)
end

return M
