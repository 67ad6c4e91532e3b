//! One case, a test on every runtime.

/// Makes each case, a function generic over its [`Runtime`](crate::Runtime), a test on every
/// runtime: in the module of the runtime, under the function's name.
///
/// The cases stand in braces. `alone` before them gives each test a
/// [process](crate::process::alone) of its own, `within` and the name of a setup a
/// [namespace](crate::namespace::within), `unprivileged` a process
/// [without a privilege over the network](crate::namespace::unprivileged).
#[macro_export]
macro_rules! battery {
    (@module $module:ident $runtime:ident $($place:tt { $($case:ident)* })*) => {
        mod $module {
            $($(
                #[test]
                fn $case() {
                    let case = super::$case::<$crate::$runtime>;
                    $crate::battery!(@run $place $case case);
                }
            )*)*
        }
    };
    (@run () $name:ident $case:ident) => {
        $case()
    };
    (@run (alone) $name:ident $case:ident) => {
        $crate::process::alone(concat!(module_path!(), "::", stringify!($name)), $case)
    };
    (@run (unprivileged) $name:ident $case:ident) => {
        $crate::namespace::unprivileged(concat!(module_path!(), "::", stringify!($name)), $case)
    };
    (@run (within $setup:ident) $name:ident $case:ident) => {
        $crate::namespace::within(
            concat!(module_path!(), "::", stringify!($name)),
            $crate::namespace::$setup,
            $case,
        )
    };
    ($($($place:ident)* { $($case:ident),* $(,)? })*) => {
        $crate::battery!(@module tokio TokioCurrentThread $(($($place)*) { $($case)* })*);
        $crate::battery!(@module tokio_multi_thread TokioMultiThread $(($($place)*) { $($case)* })*);
        $crate::battery!(@module smol SmolBlockOn $(($($place)*) { $($case)* })*);
        $crate::battery!(@module futures_lite FuturesLite $(($($place)*) { $($case)* })*);
        $crate::battery!(@module async_executor AsyncExecutor $(($($place)*) { $($case)* })*);
        $crate::battery!(@module async_std AsyncStdTask $(($($place)*) { $($case)* })*);
    };
}
