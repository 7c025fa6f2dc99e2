// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Connect
import Yams

@main struct Bridgehead: AsyncParsableCommand {}
