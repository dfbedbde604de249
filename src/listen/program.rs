//! The program that the kernel runs for each new connection, to choose the socket of the group that gets it. Pure. It
//! is written in classic BPF, which any user may attach to their own sockets. If it returns a number outside the group,
//! the connection is not dropped: the kernel then spreads connections over its members.

use super::sides::Side;

/// One instruction of classic BPF: an operation, how far to jump if a condition holds or not, and an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Instruction {
    pub(super) code: u16,
    pub(super) jump_true: u8,
    pub(super) jump_false: u8,
    pub(super) operand: u32,
}

/// How new connections are steered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Steering {
    /// The side that gets them.
    pub(super) active: Side,
    /// The share that the active side gets.
    pub(super) share: Share,
    /// Whether marked connections of this host choose their side.
    pub(super) marks: Marks,
}

/// The share of the new connections that the active side gets; the other side gets the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(u8);

impl Share {
    /// Everything.
    pub const OF_ALL: Self = Self(100);

    /// This many of a hundred; more than a hundred means all of them.
    pub fn percent(share: u8) -> Self {
        Self(share.min(100))
    }

    /// The share as a limit for random numbers below 2^32; `None`: all connections.
    fn threshold(self) -> Option<u32> {
        u32::try_from((u64::from(self.0) << 32) / 100).ok()
    }
}

/// Whether marked connections of this host choose their side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marks {
    /// They do, because two runs are alive, and each is probed by itself.
    Heeded,
    /// They do not, because only one run is alive, and on a side without a run they would wait.
    Ignored,
}

const LOAD_WORD: u16 = 0x20;
const LOAD_HALF: u16 = 0x28;
const LOAD_BYTE: u16 = 0x30;
const AND: u16 = 0x54;
const SHIFT_RIGHT: u16 = 0x74;
const JUMP: u16 = 0x05;
const JUMP_IF_EQUAL: u16 = 0x15;
const JUMP_IF_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;

/// Offsets from which the kernel answers for itself, or from the network header.
const DEVICE: u32 = 0xffff_f008;
const RANDOM: u32 = 0xffff_f038;
const NETWORK_HEADER: u32 = 0xfff0_0000;

/// The number of the loopback device, in every network namespace.
const LOOPBACK: u32 = 1;

impl Steering {
    /// All of them to this side.
    pub(super) fn to(active: Side, marks: Marks) -> Self {
        Self { active, share: Share::OF_ALL, marks }
    }

    /// The program for a group whose first socket is the one of this side.
    pub(super) fn program(self, first: Side) -> Vec<Instruction> {
        let to = |side: Side| to(usize::from(side != first));
        let mut program = match self.marks {
            Marks::Heeded => marks(to),
            Marks::Ignored => Vec::new(),
        };
        if let Some(threshold) = self.share.threshold() {
            program.push(load(LOAD_WORD, RANDOM));
            program.push(Instruction { code: JUMP_IF_AT_LEAST, jump_true: 0, jump_false: 1, operand: threshold });
            program.push(to(self.active.other()));
            program.push(to(self.active));
        } else {
            program.push(to(self.active));
        }
        program
    }
}

/// Sends a marked connection over the loopback device to its side, and continues for all others.
fn marks(to: impl Fn(Side) -> Instruction) -> Vec<Instruction> {
    vec![
        load(LOAD_WORD, DEVICE),
        if_equal(LOOPBACK, 0, 12),
        load(LOAD_BYTE, NETWORK_HEADER),
        Instruction { code: AND, jump_true: 0, jump_false: 0, operand: 0xf0 },
        if_equal(0x40, 0, 2),
        load(LOAD_BYTE, NETWORK_HEADER + 1),
        Instruction { code: JUMP, jump_true: 0, jump_false: 0, operand: 3 },
        // IPv6: the traffic class lies across the first two bytes.
        load(LOAD_HALF, NETWORK_HEADER),
        Instruction { code: SHIFT_RIGHT, jump_true: 0, jump_false: 0, operand: 4 },
        Instruction { code: AND, jump_true: 0, jump_false: 0, operand: 0xff },
        if_equal(Side::A.mark().into(), 0, 1),
        to(Side::A),
        if_equal(Side::B.mark().into(), 0, 1),
        to(Side::B),
    ]
}

fn load(code: u16, operand: u32) -> Instruction {
    Instruction { code, jump_true: 0, jump_false: 0, operand }
}

fn if_equal(operand: u32, jump_true: u8, jump_false: u8) -> Instruction {
    Instruction { code: JUMP_IF_EQUAL, jump_true, jump_false, operand }
}

/// Chooses the socket with this number in the group.
fn to(number: usize) -> Instruction {
    Instruction { code: RETURN, jump_true: 0, jump_false: 0, operand: u32::try_from(number).unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use super::{Marks, Share, Steering};
    use crate::listen::sides::Side;

    fn listing(steering: Steering) -> Vec<String> {
        listing_of(steering, Side::A)
    }

    fn listing_of(steering: Steering, first: Side) -> Vec<String> {
        let line = |(number, it): (usize, super::Instruction)| {
            format!("{number} {:02x} {} {} {:x}", it.code, it.jump_true, it.jump_false, it.operand)
        };
        steering.program(first).into_iter().enumerate().map(line).collect()
    }

    /// The program that was measured (`active` is 1 here), instruction for instruction.
    #[test]
    fn marked_connections_of_this_host_choose_and_all_others_go_to_the_active_side() {
        let expected = [
            "0 20 0 0 fffff008",
            "1 15 0 12 1",
            "2 30 0 0 fff00000",
            "3 54 0 0 f0",
            "4 15 0 2 40",
            "5 30 0 0 fff00001",
            "6 05 0 0 3",
            "7 28 0 0 fff00000",
            "8 74 0 0 4",
            "9 54 0 0 ff",
            "10 15 0 1 54",
            "11 06 0 0 0",
            "12 15 0 1 58",
            "13 06 0 0 1",
            "14 06 0 0 1",
        ];
        assert_eq!(listing(Steering::to(Side::B, Marks::Heeded)), expected);
    }

    #[test]
    fn a_share_goes_to_the_active_side() {
        let half = Steering { active: Side::B, share: Share::percent(50), marks: Marks::Ignored };
        assert_eq!(listing(half), ["0 20 0 0 fffff038", "1 35 0 1 80000000", "2 06 0 0 0", "3 06 0 0 1"]);
    }

    #[test]
    fn one_run_at_a_time_needs_one_instruction() {
        assert_eq!(listing(Steering::to(Side::A, Marks::Ignored)), ["0 06 0 0 0"]);
    }

    #[test]
    fn where_side_b_listened_first_every_number_is_the_other_one() {
        let usual = listing(Steering::to(Side::B, Marks::Heeded));
        let swapped = listing_of(Steering::to(Side::B, Marks::Heeded), Side::B);
        let differ: Vec<_> = usual.iter().zip(&swapped).filter(|(usual, swapped)| usual != swapped).collect();
        let swapped: Vec<&str> = differ.iter().map(|(_, swapped)| swapped.as_str()).collect();
        assert_eq!(swapped, ["11 06 0 0 1", "13 06 0 0 0", "14 06 0 0 0"]);
    }
}
