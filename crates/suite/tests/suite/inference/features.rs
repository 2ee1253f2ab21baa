//! The features of a lead.

use benchgate_suite::inference::{LeadFields, features_of};

const LEAD: LeadFields<'_> = LeadFields {
    stage: "qualified",
    source: "referral",
    location: "Lisbon",
    email: "ada@example.com",
    budget: 450_000,
    rooms: 3,
    contacts: 9,
    // A Tuesday, 12:00 in UTC, and a week later.
    created_at: 1_700_568_000,
    scored_at: 1_701_172_800,
};

#[test]
fn a_lead_becomes_one_row() {
    let row = features_of(&LEAD);
    // The stages: the third of six. The sources: the third of five.
    assert_eq!(row[..11], [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    // One place of eight for the city, one of four for the mail's domain.
    assert_eq!(row[11..19], [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(row[19..23], [0.0, 0.0, 1.0, 0.0]);
    // ln(450001) / ln(10000001), ln(4) / ln(11), ln(10) / ln(101), and a week of
    // a year: ln(604801) / ln(31536001).
    let numbers = [0.807_602, 0.578_130, 0.498_922, 0.771_004];
    // Noon is half of the day's circle; the week begins on a Thursday, in 1970,
    // and Tuesday's noon is 5.5 days of 7 later.
    let circles = [0.0, -1.0, -0.974_928, 0.222_521];
    for (feature, right) in row[23..31].iter().zip(numbers.iter().chain(&circles)) {
        assert!((feature - right).abs() < 2e-6, "{:?}", &row[23..]);
    }
    assert_eq!(row[31], 1.0);
}

#[test]
fn unknown_fields_are_zero() {
    let row = features_of(&LeadFields::default());
    let mut nothing = [0.0; 32];
    // The first second of a day and of a week, and the constant.
    (nothing[28], nothing[30], nothing[31]) = (1.0, 1.0, 1.0);
    assert_eq!(row, nothing);
    let strange = LeadFields { stage: "lost", source: "", email: "nobody", ..LEAD };
    assert_eq!(features_of(&strange)[..11], [0.0; 11]);
    assert_eq!(features_of(&strange)[19..23], [0.0; 4]);
}

#[test]
fn every_lead_has_finite_features() {
    let largest = LeadFields {
        budget: i64::MAX,
        rooms: u32::MAX,
        contacts: u32::MAX,
        created_at: i64::MIN,
        scored_at: i64::MAX,
        ..LEAD
    };
    let smallest =
        LeadFields { budget: i64::MIN, created_at: i64::MAX, scored_at: i64::MIN, ..LEAD };
    for lead in [largest, smallest] {
        assert!(features_of(&lead).iter().all(|feature| feature.abs() < 15.0), "{lead:?}");
    }
}
