// Package schema declares the product's own tables, from which ent makes package gen.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Employee is a person of one tenant. The tags are those of package mapping.
type Employee struct{ ent.Schema }

// Fields implements ent.Interface. The table keeps ent's own primary key; the id that SCIM knows is a column beside it.
func (Employee) Fields() []ent.Field {
	return []ent.Field{
		field.String("tenant").Immutable(),
		field.String("scim_id").Immutable(),
		field.String("email").StructTag(`scim:"userName,required" validate:"email"`),
		field.String("name").StructTag(`scim:"displayName"`),
		field.Bool("active").StructTag(`scim:"active"`),
		field.String("login").Optional().Nillable().Comment("The address as document.Fold makes it; NULL if there is none."),
		field.Text("rest").Comment("What SCIM knows and no other column holds."),
	}
}

// Indexes implements ent.Interface.
func (Employee) Indexes() []ent.Index {
	return []ent.Index{index.Fields("tenant", "scim_id").Unique(), index.Fields("tenant", "login").Unique()}
}
