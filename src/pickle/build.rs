//! The opcodes that make and fill containers.

use super::arena::{Filling, Items, Node, Ref};
use super::machine::Machine;
use super::opcode as op;

impl Machine<'_> {
    #[inline]
    pub(super) fn step_container(&mut self, opcode: u8) -> Result<(), String> {
        match opcode {
            op::EMPTY_DICT => self.add(Node::Dict(Items::EMPTY)),
            op::EMPTY_LIST => self.add(Node::List(Items::EMPTY)),
            op::EMPTY_TUPLE => self.push_tuple(self.stack_len()),
            op::EMPTY_SET => self.add(Node::Set(Items::EMPTY)),
            op::TUPLE1 => self.small_tuple(1),
            op::TUPLE2 => self.small_tuple(2),
            op::TUPLE3 => self.small_tuple(3),
            op::TUPLE => {
                let first = self.pop_mark()?;
                self.push_tuple(first)
            }
            op::SETITEMS => {
                let first = self.pop_mark()?;
                self.set_items(first)
            }
            op::SETITEM => self.last(2).and_then(|first| self.set_items(first)),
            op::APPENDS => {
                let first = self.pop_mark()?;
                self.append(first)
            }
            op::APPEND => self.last(1).and_then(|first| self.append(first)),
            op::ADDITEMS => {
                let first = self.pop_mark()?;
                self.add_items(first)
            }
            op::LIST => {
                let items = self.marked()?;
                self.add_filled(&items, Node::List)
            }
            op::DICT => {
                let items = self.marked()?;
                self.check_pairs(&items, "DICT")?;
                self.add_filled(&items, Node::Dict)
            }
            op::FROZENSET => {
                let items = self.marked()?;
                self.check_all_hashable(&items)?;
                self.add_filled(&items, Node::FrozenSet)
            }
            op::POP => self.pop_item_or_mark(),
            op::POP_MARK => self.marked().map(drop),
            op::DUP => {
                let top = self.top()?;
                self.arena.share(top);
                self.push(top)
            }
            _ => self.step_text(opcode),
        }
    }

    pub(super) fn add(&mut self, node: Node) -> Result<(), String> {
        let item = self.arena.add(node)?;
        self.push(item)
    }

    pub(super) fn add_filled(&mut self, items: &[Ref], make: fn(Items) -> Node) -> Result<(), String> {
        let items = self.arena.put(items);
        self.add(make(items))
    }

    /// The items above the innermost mark, with the mark taken away.
    pub(super) fn marked(&mut self) -> Result<Vec<Ref>, String> {
        let first = self.pop_mark()?;
        let (stack, _, first) = self.stack_from(first);
        Ok(stack.split_off(first.min(stack.len())))
    }

    /// Where the last `count` items start, if that many can be popped and a container is below them.
    fn last(&self, count: usize) -> Result<usize, String> {
        let enough = self.above_fence() > count;
        if enough { Ok(self.stack_len() - count) } else { Err(self.underflow()) }
    }

    fn small_tuple(&mut self, count: usize) -> Result<(), String> {
        if self.above_fence() < count {
            return Err(self.underflow());
        }
        self.push_tuple(self.stack_len() - count)
    }

    fn push_tuple(&mut self, first: usize) -> Result<(), String> {
        let (stack, arena, first) = self.stack_from(first);
        let tuple = arena.add_tuple(&stack[first..])?;
        stack.truncate(first);
        self.push(tuple)
    }

    /// The container below the items, if there are items. As in CPython, nothing is asked of it if there are none.
    fn container(&self, first: usize) -> Result<Option<()>, String> {
        if first <= self.fence() {
            return Err(self.underflow());
        }
        Ok((first < self.stack_len()).then_some(()))
    }

    fn append(&mut self, first: usize) -> Result<(), String> {
        if self.container(first)?.is_none() {
            return Ok(());
        }
        let (stack, arena, first) = self.stack_from(first);
        let list = stack[first - 1];
        if !arena.extend(list, &stack[first..], Filling::Items) {
            return Err(format!("'{}' object has no attribute 'append'", arena.type_name(list)));
        }
        stack.truncate(first);
        Ok(())
    }

    fn set_items(&mut self, first: usize) -> Result<(), String> {
        if self.container(first)?.is_none() {
            return Ok(());
        }
        let (stack, arena, first) = self.stack_from(first);
        let (container, pairs) = (stack[first - 1], &stack[first..]);
        if !pairs.len().is_multiple_of(2) {
            return Err("odd number of items for SETITEMS".to_owned());
        }
        for key in pairs.iter().step_by(2) {
            arena.check_hashable(*key)?;
        }
        if !arena.extend(container, pairs, Filling::Pairs) {
            let name = arena.type_name(container);
            return Err(format!("'{name}' object does not support item assignment by a pickle"));
        }
        stack.truncate(first);
        Ok(())
    }

    fn add_items(&mut self, first: usize) -> Result<(), String> {
        if self.container(first)?.is_none() {
            return Ok(());
        }
        let (stack, arena, first) = self.stack_from(first);
        let set = stack[first - 1];
        for item in &stack[first..] {
            arena.check_hashable(*item)?;
        }
        if !arena.extend(set, &stack[first..], Filling::Members) {
            return Err(format!("'{}' object has no attribute 'add'", arena.type_name(set)));
        }
        stack.truncate(first);
        Ok(())
    }

    fn check_pairs(&self, flat: &[Ref], opcode: &str) -> Result<(), String> {
        if !flat.len().is_multiple_of(2) {
            return Err(format!("odd number of items for {opcode}"));
        }
        flat.iter().step_by(2).try_for_each(|&key| self.arena.check_hashable(key))
    }

    pub(super) fn check_all_hashable(&self, items: &[Ref]) -> Result<(), String> {
        items.iter().try_for_each(|&item| self.arena.check_hashable(item))
    }
}
