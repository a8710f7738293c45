// Package access says who may do what: roles, permissions, and the gate rows that every call is checked against.
package access

import "slices"

// Role is what a member is in an organisation.
type Role string

// The roles. An organisation has exactly one owner.
const (
	Owner       Role = "owner"
	Admin       Role = "admin"
	Manager     Role = "manager"
	Contributor Role = "member"
	Accountant  Role = "accountant"
	Guest       Role = "guest"
)

// Permission is a right to do one kind of thing, resource:action, with :own or :all where it matters whose, and :led where
// it is about the projects that one leads.
type Permission string

// The permissions.
const (
	OrganizationRead   Permission = "organization:read"
	OrganizationWrite  Permission = "organization:write"
	OrganizationClose  Permission = "organization:close"
	OrganizationExport Permission = "organization:export"
	OwnershipOffer     Permission = "ownership:offer"
	TaxIDRead          Permission = "tax_id:read"
	MembersRead        Permission = "members:read"
	MembersContact     Permission = "members:contact" // their e-mail addresses
	MembersInvite      Permission = "members:invite"
	MembersWrite       Permission = "members:write"
	AdminsWrite        Permission = "members:write:admins" // make, change and remove admins
	AuditRead          Permission = "audit:read"
	ClientsRead        Permission = "clients:read"
	ClientsWrite       Permission = "clients:write"
	ClientsDelete      Permission = "clients:delete"
	ProjectsRead       Permission = "projects:read"
	ProjectsReadOwn    Permission = "projects:read:own" // those that one works on; ProjectsRead has it in it
	ProjectsWrite      Permission = "projects:write"
	ProjectsWriteLed   Permission = "projects:write:led" // those that one leads, and who works on them; ProjectsWrite has it in it
	ProjectsDelete     Permission = "projects:delete"
	RatesRead          Permission = "rates:read"
	TimeOwn            Permission = "time:write:own"
	TimeAll            Permission = "time:write:all"
	TimeLed            Permission = "time:write:led" // everybody's on the projects that one leads; TimeAll has it in it
	TimeReadOwn        Permission = "time:read:own"
	TimeReadAll        Permission = "time:read:all"
	TimeReadLed        Permission = "time:read:led" // likewise; TimeReadAll has it in it
	InvoicesRead       Permission = "invoices:read"
	InvoicesWrite      Permission = "invoices:write"
	InvoicesSend       Permission = "invoices:send"
	InvoicesVoid       Permission = "invoices:void"
	PaymentsRead       Permission = "payments:read"
	PaymentsWrite      Permission = "payments:write"
	FilesRead          Permission = "files:read"
	FilesWrite         Permission = "files:write"
	FilesDeleteOwn     Permission = "files:delete:own"
	FilesDeleteAll     Permission = "files:delete:all"
	SupportRead        Permission = "support:read" // the tickets one made oneself
	SupportReadAll     Permission = "support:read:all"
	SupportWrite       Permission = "support:write"
)

// Roles lists the roles from most to least.
func Roles() []Role { return []Role{Owner, Admin, Manager, Contributor, Accountant, Guest} }

// Permissions gives what a role may do. It is the one table of rights: what is not in it is refused.
func Permissions(r Role) []Permission {
	switch r {
	case Owner:
		return append(Permissions(Admin), OrganizationClose, OrganizationExport, OwnershipOffer, AdminsWrite)
	case Admin:
		return []Permission{OrganizationRead, OrganizationWrite, TaxIDRead, MembersRead, MembersContact, MembersInvite, MembersWrite, AuditRead,
			ClientsRead, ClientsWrite, ClientsDelete,
			ProjectsRead, ProjectsWrite, ProjectsDelete, RatesRead, TimeOwn, TimeAll, TimeReadOwn, TimeReadAll,
			InvoicesRead, InvoicesWrite, InvoicesSend, InvoicesVoid, PaymentsRead, PaymentsWrite,
			FilesRead, FilesWrite, FilesDeleteOwn, FilesDeleteAll, SupportRead, SupportReadAll, SupportWrite}
	case Manager:
		return []Permission{OrganizationRead, MembersRead, MembersContact, ClientsRead, ClientsWrite, ProjectsRead, ProjectsWrite, TimeOwn, TimeAll,
			TimeReadOwn, TimeReadAll, InvoicesRead, InvoicesWrite, FilesRead, FilesWrite, FilesDeleteOwn, FilesDeleteAll, SupportRead, SupportWrite}
	case Contributor:
		return []Permission{OrganizationRead, MembersRead, ClientsRead, ProjectsRead, ProjectsWriteLed, TimeOwn, TimeLed, TimeReadOwn, TimeReadLed,
			FilesRead, FilesWrite, FilesDeleteOwn, SupportRead, SupportWrite}
	case Accountant:
		return []Permission{OrganizationRead, TaxIDRead, MembersRead, ClientsRead, ProjectsRead, RatesRead, TimeReadOwn, TimeReadAll,
			InvoicesRead, InvoicesWrite, InvoicesSend, InvoicesVoid, PaymentsRead, PaymentsWrite, FilesRead, SupportRead, SupportWrite}
	case Guest:
		return []Permission{ProjectsReadOwn, TimeOwn, TimeReadOwn, SupportRead, SupportWrite}
	}
	return nil
}

// Grantable lists what a member may be given beyond their role. What decides over people and over the organization itself
// comes with a role alone.
func Grantable() []Permission {
	return []Permission{OrganizationRead, TaxIDRead, MembersRead, MembersContact, MembersInvite, AuditRead, ClientsRead, ClientsWrite, ClientsDelete,
		ProjectsRead, ProjectsWrite, ProjectsWriteLed, ProjectsDelete, RatesRead, TimeOwn, TimeAll, TimeLed, TimeReadOwn, TimeReadAll, TimeReadLed,
		InvoicesRead, InvoicesWrite, InvoicesSend, InvoicesVoid, PaymentsRead, PaymentsWrite,
		FilesRead, FilesWrite, FilesDeleteOwn, FilesDeleteAll, SupportRead, SupportReadAll, SupportWrite}
}

// Allows says whether a role, with the extra grants of a member, has a permission.
func Allows(r Role, grants []Permission, p Permission) bool {
	return within(Permissions(r), p) || within(grants, p)
}

// within says whether some permissions have one in them, itself or as a part of another.
func within(all []Permission, p Permission) bool {
	return slices.ContainsFunc(all, func(has Permission) bool { return has == p || p != "" && Part(has) == p })
}

// Part is what is left of a permission over all projects for a member who has it over those alone that they work on or
// lead; none of a permission that has no such part.
func Part(all Permission) Permission {
	switch all {
	case ProjectsRead:
		return ProjectsReadOwn
	case ProjectsWrite:
		return ProjectsWriteLed
	case TimeAll:
		return TimeLed
	case TimeReadAll:
		return TimeReadLed
	}
	return ""
}

// Rights are a role with the extra grants of a member.
type Rights struct {
	Role   Role
	Grants []Permission
}

// May says whether the rights have a permission in them.
func (r Rights) May(p Permission) bool { return Allows(r.Role, r.Grants, p) }

// Gives says whether somebody with these rights may change what somebody else has from was to become: nobody makes an
// owner, admins are made and unmade by those who may, and nobody gives a permission that they do not have. What was there
// before may stay.
func (r Rights) Gives(was, become Rights) bool {
	if was.Role == Owner || become.Role == Owner || (was.Role == Admin || become.Role == Admin) && !r.May(AdminsWrite) {
		return false
	}
	for _, p := range slices.Concat(Permissions(become.Role), become.Grants) {
		if !was.May(p) && !r.May(p) {
			return false
		}
	}
	return true
}
