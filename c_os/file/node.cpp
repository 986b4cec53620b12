#include "c_os/file/node.hpp"

#include "c_os/file/page_view.hpp"

namespace chorale::c_os {

Done Node::check_access(const Credentials& caller, unsigned access) {
    return permitted(attributes(), caller, access);
}

Done Node::change(const Credentials&, const AttributeChange&) { return failed(Error::erofs); }

Done Node::truncate(u64) { return failed(directory() ? Error::eisdir : Error::einval); }

Done Node::add_view(PageView&) { return failed(Error::enodev); }

// Of no node that has no views.
void Node::remove_view(PageView&) {}
void Node::divide_view(PageView&, PageRange, PageView*) {}

Result<Ref<Node>> Node::lookup(const Credentials&, std::string_view) { return failed(Error::enotdir); }

Result<Ref<Node>> Node::parent(const Credentials&) { return failed(Error::enotdir); }

Result<std::size_t> Node::name_of(const Node&, char*, std::size_t) { return failed(Error::enotdir); }

Result<Ref<Node>> Node::create(const Credentials&, std::string_view, const NewNode&) {
    return failed(directory() ? Error::erofs : Error::enotdir);
}

Done Node::link(const Credentials&, std::string_view, Node&) {
    return failed(directory() ? Error::erofs : Error::enotdir);
}

Done Node::unlink(const Credentials&, std::string_view) {
    return failed(directory() ? Error::erofs : Error::enotdir);
}

Done Node::remove_directory(const Credentials&, std::string_view) {
    return failed(directory() ? Error::erofs : Error::enotdir);
}

Done Node::rename(const Credentials&, std::string_view, Node&, std::string_view, u32) {
    return failed(directory() ? Error::erofs : Error::enotdir);
}

Done Node::read_link(Buffer&) { return failed(Error::einval); }

} // namespace chorale::c_os
