//! Compares what is wanted with what is so and takes the next legal step, until there is none left.

use super::{Machine, StopReason};

/// No event needs more steps than this: a loop that does is a bug, and it must not hang the service.
const STEPS: usize = 64;

impl Machine {
    /// Takes every step that is due, then makes what follows from the state so: traffic, the turn, the probes.
    pub(super) fn settle(&mut self) {
        let steps = (0..STEPS).take_while(|_| self.step()).count();
        debug_assert!(steps < STEPS, "the machine does not settle");
        self.set_connections();
        self.set_traffic();
        self.give_back_turn();
        let orders = self.process.probe();
        self.orders.extend(orders);
    }

    /// Takes one step, the most pressing one first; says whether it did.
    fn step(&mut self) -> bool {
        if self.shutdown {
            return self.leave_road()
                || self.end_handover()
                || self.stop(StopReason::Shutdown)
                || self.stop_what_has_left();
        }
        self.compare_losses()
            || self.end_hold()
            || self.judge()
            || self.dismiss_overtaken()
            || self.take_back_sickened()
            || self.restart_unresponsive()
            || self.stop_what_has_left()
            || self.travel()
            || self.grow_stale()
            || self.start()
    }
}
