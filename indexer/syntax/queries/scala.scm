; Captures are explained in captures.py.
(class_definition name: (identifier) @name) @def.class
(object_definition name: (identifier) @name) @def.object
(trait_definition name: (identifier) @name) @def.trait
(enum_definition name: (identifier) @name) @def.enum
(function_definition name: (identifier) @name) @def.function
(function_declaration name: (identifier) @name) @def.function
(package_object name: (identifier) @name) @def.object
(simple_enum_case name: (identifier) @name) @def.constant
(full_enum_case name: (identifier) @name) @def.constant
(given_definition name: (identifier) @name) @def.constant
(type_definition name: (type_identifier) @name) @def.type
(compilation_unit (val_definition pattern: (identifier) @name) @def.constant)
(object_definition (template_body (val_definition pattern: (identifier) @name) @def.constant))
(template_body (val_definition pattern: (identifier) @name) @def.property)
(template_body (var_definition pattern: (identifier) @name) @def.property)
(template_body (val_declaration name: (identifier) @name) @def.property)
(template_body (var_declaration name: (identifier) @name) @def.property)

(comment) @comment
(block_comment) @comment

(call_expression function: (identifier) @call)
(call_expression function: (field_expression field: (identifier) @call))
(call_expression function: (generic_function function: (identifier) @call))
(call_expression
  function: (generic_function function: (field_expression field: (identifier) @call)))
(instance_expression (type_identifier) @call)
(instance_expression (generic_type type: (type_identifier) @call))

(import_declaration) @import.statement
