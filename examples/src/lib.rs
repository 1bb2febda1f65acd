//! The examples `flights` and `tour`. They are a package of their own so that building one does
//! not build what the tests of `ferrodash` need.
