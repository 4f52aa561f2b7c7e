-- The product's own table. Two columns are for SCIM: login is the address as document.Fold makes it, or NULL if there is none,
-- and rest is what SCIM knows and no other column holds.
CREATE TABLE employees (
    tenant text    NOT NULL,
    id     text    NOT NULL,
    email  text    NOT NULL,
    name   text    NOT NULL,
    active boolean NOT NULL,
    login  text,
    rest   text    NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, login)
);
