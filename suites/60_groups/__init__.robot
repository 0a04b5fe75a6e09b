*** Settings ***
Documentation    Groups: one order for all members, nothing for anybody else.
