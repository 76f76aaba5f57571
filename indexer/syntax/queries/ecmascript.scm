; JavaScript and TypeScript share these. Captures are explained in captures.py.
(function_declaration name: (identifier) @name) @def.function
(generator_function_declaration name: (identifier) @name) @def.function
(class_declaration name: (_) @name) @def.class
(method_definition name: (_) @name) @def.method

(program (lexical_declaration (variable_declarator name: (identifier) @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)])) @def.function)
(program (export_statement (lexical_declaration (variable_declarator name: (identifier) @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)])) @def.function))
(program (variable_declaration (variable_declarator name: (identifier) @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)])) @def.function)
(program (lexical_declaration (variable_declarator name: (identifier) @name
  value: (class body: (_) @body)) @def.class))
(program (lexical_declaration (variable_declarator name: (identifier) @name)) @def.variable)
(program (export_statement
  (lexical_declaration (variable_declarator name: (identifier) @name)) @def.variable))
(program (variable_declaration (variable_declarator name: (identifier) @name)) @def.variable)
; `Pool.prototype.take = function …`, `app.use = function …`; what `exports` gets is no member.
(assignment_expression
  left: (member_expression
    object: (member_expression object: (identifier) @owner property: (property_identifier) @_p)
    property: (property_identifier) @name)
  right: [(arrow_function body: (_) @body) (function_expression body: (_) @body)]
  (#eq? @_p "prototype")) @def.method
(assignment_expression
  left: (member_expression object: (identifier) @owner property: (property_identifier) @name)
  right: [(arrow_function body: (_) @body) (function_expression body: (_) @body)]
  (#not-eq? @owner "exports")) @def.function
(assignment_expression
  left: (member_expression property: (property_identifier) @name)
  right: [(arrow_function body: (_) @body) (function_expression body: (_) @body)]) @def.function
; `module.exports = {a: function …}`, `Pool.prototype = {…}`, `const handlers = {a: () => …}`
(assignment_expression right: (object (pair key: (property_identifier) @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)]) @def.method))
(variable_declarator value: (object (pair key: (property_identifier) @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)]) @def.method))
(export_statement value: (object (pair key: (property_identifier) @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)]) @def.method))

(comment) @comment
(decorator) @lead

(call_expression function: (identifier) @call (#not-eq? @call "require"))
(call_expression function: (member_expression property: (property_identifier) @call))
(new_expression constructor: (identifier) @call)
(new_expression constructor: (member_expression property: (property_identifier) @call))

(import_statement (import_clause (identifier) @import.default) source: (string) @import.module)
(import_statement
  (import_clause (namespace_import (identifier) @import.alias)) source: (string) @import.module)
(import_statement (import_clause (named_imports
  (import_specifier name: (_) @import.name alias: (_)? @import.alias)))
  source: (string) @import.module)
(import_statement . "import" . source: (string) @import.module)
(export_statement (export_clause
  (export_specifier name: (_) @import.name alias: (_)? @import.alias))
  source: (string) @import.module)
(export_statement "*" @import.name source: (string) @import.module)
(export_statement (namespace_export (identifier) @import.alias) source: (string) @import.module)

(variable_declarator name: (identifier) @import.alias
  value: (call_expression function: (identifier) @_f arguments: (arguments . (string) @import.module))
  (#eq? @_f "require"))
(variable_declarator
  name: (object_pattern (shorthand_property_identifier_pattern) @import.name)
  value: (call_expression function: (identifier) @_f arguments: (arguments . (string) @import.module))
  (#eq? @_f "require"))
(variable_declarator
  name: (object_pattern
    (pair_pattern key: (property_identifier) @import.name value: (identifier) @import.alias))
  value: (call_expression function: (identifier) @_f arguments: (arguments . (string) @import.module))
  (#eq? @_f "require"))
(expression_statement
  (call_expression function: (identifier) @_f arguments: (arguments . (string) @import.module))
  (#eq? @_f "require"))
(call_expression function: (import) arguments: (arguments . (string) @import.module))
