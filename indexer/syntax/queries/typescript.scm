(abstract_class_declaration name: (_) @name) @def.class
(interface_declaration name: (_) @name) @def.interface
(type_alias_declaration name: (_) @name) @def.type
(enum_declaration name: (_) @name) @def.enum
(enum_body name: (property_identifier) @name @def.constant)
(enum_body (enum_assignment name: (property_identifier) @name) @def.constant)
(function_signature name: (identifier) @name) @def.function
(method_signature name: (_) @name) @def.method
(abstract_method_signature name: (_) @name) @def.method
(public_field_definition name: (_) @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)]) @def.method
(internal_module name: (identifier) @name) @scope.namespace
(module name: (identifier) @name) @scope.namespace
(ambient_declaration (lexical_declaration
  (variable_declarator name: (identifier) @name)) @def.variable)
(import_statement
  (import_require_clause (identifier) @import.alias source: (string) @import.module))
