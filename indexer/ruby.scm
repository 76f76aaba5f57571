; Captures are explained in symbols.py.
(class name: (_) @name) @def.class
(module name: (_) @name) @def.module
(method name: (_) @name) @def.function
(singleton_method name: (_) @name) @def.method
(assignment left: (constant) @name) @def.constant

(comment) @comment

(call method: (identifier) @call (#not-match? @call "^(require|require_relative|load)$"))
(call method: (constant) @call)

(call method: (identifier) @_m arguments: (argument_list . (string (string_content) @import.module))
  (#any-of? @_m "require" "load"))
(call method: (identifier) @_m arguments: (argument_list . (string (string_content) @import.relative))
  (#eq? @_m "require_relative"))
