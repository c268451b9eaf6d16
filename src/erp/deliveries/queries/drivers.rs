//! SQL of `drivers`, beside the people whose role it is.
use diesel::prelude::*;

use crate::erp::deliveries::drivers::{Driver, Facts};
use crate::erp::users::roles::Role;
use crate::native;
use crate::platform::db::{DbConnection, DbError};
use crate::schema::{drivers, users};
use crate::types::UserId;

type Row = (
    UserId,
    String,
    bool,
    Option<String>,
    Option<String>,
    Option<bool>,
);

/// Everybody whose role it is to drive, by name.
pub(in crate::erp::deliveries) fn list(conn: &mut DbConnection) -> Result<Vec<Driver>, DbError> {
    let rows: Vec<Row> = users::table
        .left_join(drivers::table)
        .filter(users::role.eq(Role::Driver))
        .order((users::name, users::id))
        .select((
            users::id,
            users::name,
            users::active,
            drivers::phone.nullable(),
            drivers::vehicle.nullable(),
            drivers::active.nullable(),
        ))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(user, name, signs_in, phone, vehicle, active)| Driver {
            user,
            name,
            phone,
            vehicle,
            // Who was never entered drives; who may not sign in does not.
            active: signs_in && active.unwrap_or(true),
        })
        .collect())
}

pub(in crate::erp::deliveries) fn save(
    conn: &mut DbConnection,
    user: UserId,
    facts: &Facts,
) -> Result<(), DbError> {
    let row = (
        drivers::user_id.eq(user),
        drivers::phone.eq(&facts.phone),
        drivers::vehicle.eq(&facts.vehicle),
        drivers::active.eq(facts.active),
    );
    let again = (
        drivers::phone.eq(&facts.phone),
        drivers::vehicle.eq(&facts.vehicle),
        drivers::active.eq(facts.active),
    );
    native!(conn, |c| diesel::insert_into(drivers::table)
        .values(row)
        .on_conflict(drivers::user_id)
        .do_update()
        .set(again)
        .execute(c))?;
    Ok(())
}
