/** The characters that could act on a terminal. Apart, since making these expressions takes longer than most commands have to print. */

/** `Cc` is C0, DEL and C1; `Bidi_Control` is U+061C, 200E-F, 202A-E, 2066-9; `Zl` and `Zp` are U+2028 and 2029. */
export const ACTING = /(?![\n\t])\p{Cc}|\p{Bidi_Control}|\p{Zl}|\p{Zp}/gu;
/** Under the `u` flag a surrogate matches only when it is alone. */
export const LONE_SURROGATE = /\p{Surrogate}/gu;
