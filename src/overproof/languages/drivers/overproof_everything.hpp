// The driver after all of the standard library, for programs that include all of it.

#include <bits/stdc++.h>

#include "overproof_driver.hpp"
