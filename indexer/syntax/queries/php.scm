; Captures are explained in captures.py.
(class_declaration name: (name) @name) @def.class
(interface_declaration name: (name) @name) @def.interface
(trait_declaration name: (name) @name) @def.trait
(enum_declaration name: (name) @name) @def.enum
(enum_case name: (name) @name) @def.constant
(function_definition name: (name) @name) @def.function
(method_declaration name: (name) @name) @def.method
(const_declaration (const_element . (name) @name)) @def.constant
(property_declaration (property_element name: (variable_name (name) @name))) @def.property
(function_call_expression function: (name) @_f
  arguments: (arguments . (argument (string (string_content) @name)))
  (#eq? @_f "define")) @def.constant

(comment) @comment

(function_call_expression function: (name) @call)
(function_call_expression function: (qualified_name (name) @call))
(member_call_expression name: (name) @call)
(nullsafe_member_call_expression name: (name) @call)
(scoped_call_expression name: (name) @call)
(object_creation_expression (name) @call)
(object_creation_expression (qualified_name (name) @call))

(namespace_use_declaration) @import.statement
(require_expression (string (string_content) @import.module))
(require_once_expression (string (string_content) @import.module))
(include_expression (string (string_content) @import.module))
(include_once_expression (string (string_content) @import.module))
(require_expression (binary_expression right: (string (string_content) @import.relative)))
(require_once_expression (binary_expression right: (string (string_content) @import.relative)))
(include_expression (binary_expression right: (string (string_content) @import.relative)))
(include_once_expression (binary_expression right: (string (string_content) @import.relative)))
