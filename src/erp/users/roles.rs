//! Who may do what: the one table of roles and actions.

crate::text_enum! {
    /// What a person is here for.
    Role {
        Owner = "owner",
        Admin = "admin",
        Operations = "operations",
        Warehouse = "warehouse",
        Finance = "finance",
        Driver = "driver",
        Viewer = "viewer",
    }
}

crate::text_enum! {
    /// What a page or a button asks leave for.
    Action {
        View = "view",
        Ship = "ship",
        Hold = "hold",
        CancelOrder = "cancel_order",
        /// Ships what the store warns of, or what nobody could ask it about.
        Overrule = "overrule",
        Map = "map",
        Replay = "replay",
        Discard = "discard",
        Connect = "connect",
        AdjustStock = "adjust_stock",
        Users = "users",
        Settings = "settings",
        Import = "import",
        Dispatch = "dispatch",
        Drive = "drive",
        MergeCustomers = "merge_customers",
    }
}

impl Role {
    /// The table. Owner and admin differ in one thing alone: only an owner makes or changes an owner.
    #[must_use]
    pub fn may(self, action: Action) -> bool {
        let allowed: &[Role] = match action {
            Action::View => return self != Role::Driver,
            // Whoever ships may also drive for once; a driver sees nothing but the own run.
            Action::Drive if self == Role::Driver => return true,
            Action::Ship | Action::AdjustStock | Action::Dispatch | Action::Drive => {
                &[Role::Owner, Role::Admin, Role::Operations, Role::Warehouse]
            }
            Action::Hold => &[
                Role::Owner,
                Role::Admin,
                Role::Operations,
                Role::Warehouse,
                Role::Finance,
            ],
            Action::Map
            | Action::Replay
            | Action::Import
            | Action::CancelOrder
            | Action::Overrule
            | Action::MergeCustomers => &[Role::Owner, Role::Admin, Role::Operations],
            Action::Discard | Action::Connect | Action::Users | Action::Settings => {
                &[Role::Owner, Role::Admin]
            }
        };
        allowed.contains(&self)
    }

    /// As a person reads it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Role::Owner => "Owner",
            Role::Admin => "Admin",
            Role::Operations => "Operations",
            Role::Warehouse => "Warehouse",
            Role::Finance => "Finance",
            Role::Driver => "Driver",
            Role::Viewer => "Viewer",
        }
    }
}

impl Action {
    /// After "may": `ship orders`, `map products`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Action::View => "see this",
            Action::Ship => "ship orders",
            Action::Hold => "hold orders",
            Action::CancelOrder => "cancel orders",
            Action::Overrule => "ship against a warning",
            Action::Map => "map products",
            Action::Replay => "replay events",
            Action::Discard => "discard events",
            Action::Connect => "connect stores",
            Action::AdjustStock => "adjust stock",
            Action::Users => "manage users",
            Action::Settings => "change settings",
            Action::Import => "import from stores",
            Action::Dispatch => "assign deliveries",
            Action::Drive => "deliver",
            Action::MergeCustomers => "merge customers",
        }
    }

    /// The roles that may, as words: `owner, admin`.
    #[must_use]
    pub fn who_may(self) -> String {
        let names: Vec<&str> = Role::ALL
            .iter()
            .filter(|role| role.may(self))
            .map(|role| role.as_str())
            .collect();
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_may_everything_and_a_viewer_only_look() {
        for action in Action::ALL {
            assert!(Role::Owner.may(*action), "{action}");
            assert_eq!(
                Role::Viewer.may(*action),
                *action == Action::View,
                "{action}"
            );
        }
        assert_eq!(Action::Users.who_may(), "owner, admin");
    }
}
