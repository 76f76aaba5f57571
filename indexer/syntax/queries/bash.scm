; Captures are explained in captures.py.
(function_definition name: (word) @name) @def.function
(program (variable_assignment name: (variable_name) @name) @def.variable)
(program (declaration_command (variable_assignment name: (variable_name) @name)) @def.variable)

(comment) @comment

(command name: (command_name (word) @call) (#not-match? @call "^(source|[.])$"))

(command name: (command_name (word) @_m) . argument: (_) @import.relative
  (#any-of? @_m "source" "."))
